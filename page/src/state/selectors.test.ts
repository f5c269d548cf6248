import { expect, test } from "vitest";
import { job, REQUEST } from "../testing/samples";
import { madeOf } from "./selectors";
import { dispatch } from "./store";

test("a picture's results are those that it was the photo, a painting or a region's painting of", () => {
  const request = { ...REQUEST, regions: [{ mask: "m", painting: "night" }] };
  const film = { ...REQUEST, photo: null, clip: "walk" };
  dispatch({ type: "refreshing" });
  dispatch({ type: "jobs", jobs: [job("a"), job("b", { request }), job("c", { request: film })] });
  expect(["cat", "wave", "night", "walk", "other"].map(madeOf)).toEqual([2, 3, 1, 1, 0]);
});
