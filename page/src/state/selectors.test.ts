import { expect, test } from "vitest";
import { job, picture, REQUEST } from "../testing/samples";
import { askedAnew, madeOf, takesRegions } from "./selectors";
import { dispatch } from "./store";

test("a picture's results are those that it was the photo, a painting or a region's painting of", () => {
  const request = { ...REQUEST, regions: [{ mask: "m", painting: "night" }] };
  const film = { ...REQUEST, photo: null, clip: "walk" };
  dispatch({ type: "refreshing" });
  dispatch({ type: "jobs", jobs: [job("a"), job("b", { request }), job("c", { request: film })] });
  expect(["cat", "wave", "night", "walk", "other"].map(madeOf)).toEqual([2, 3, 1, 1, 0]);
});

test("what went on is asked for anew with the iterations of the first of its row, if that is known", () => {
  const went = (iterations: number) => ({ ...REQUEST, settings: { strength: 0.7, iterations } });
  const [second, third] = [job("b", { request: went(50), from: "a" }), job("c", { request: went(25), from: "b" })];
  dispatch({ type: "refreshing" });
  dispatch({ type: "jobs", jobs: [job("a", { request: went(500) }), second, third] });
  expect(askedAnew(job("d", { request: went(9) })).settings).toEqual({ strength: 0.7, iterations: 9 });
  expect([second, third].map((each) => askedAnew(each).settings.iterations)).toEqual([500, 500]);
  dispatch({ type: "refreshing" });
  dispatch({ type: "jobs", jobs: [job("a"), second, third] }); // as many as its recipe has
  expect(askedAnew(third).settings).toEqual({ strength: 0.7 });
  dispatch({ type: "refreshing" });
  dispatch({ type: "jobs", jobs: [third] }); // the others have been removed
  expect(askedAnew(third).settings).toEqual({ strength: 0.7 });
});

test("regions are of a photo, and not of learnt styles", () => {
  dispatch({ type: "picture", picture: picture("cat") });
  dispatch({ type: "photo", id: "cat" });
  expect(takesRegions.value).toBe(true);
  dispatch({ type: "look", id: "rhone", network: "multi", mixing: false });
  expect(takesRegions.value).toBe(false);
  dispatch({ type: "look", id: "wave", network: null, mixing: false });
  dispatch({ type: "clip", id: "walk" });
  expect(takesRegions.value).toBe(false);
});
