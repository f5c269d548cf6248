import { describe, expect, test } from "vitest";
import { CHOICES, given, picture, REQUEST } from "../testing/samples";
import { requestOf } from "./applies";
import { reduceDraft } from "./draft";
import { type Draft, EMPTY_DRAFT } from "./model";
import { moved, placeOf, placesOf, spanOf, timeAt } from "./part";
import { reduce } from "./reducer";

const WALK = { frames: 100, begins: 1, seconds: 10, rate: 10, ending: ".mp4" as const };
const FILM: Draft = {
  ...EMPTY_DRAFT,
  clip: "walk",
  film: true,
  look: { network: null, mix: [{ id: "w", weight: 1 }] },
};

describe("the handles of a part", () => {
  test("stop at the clip's ends, and there they are none", () => {
    expect(spanOf(null, WALK)).toEqual({ start: 1, end: 11 });
    expect(moved(null, WALK, "start", 3.456)).toEqual({ start: 3.456, end: null });
    expect(moved({ start: 3, end: 9 }, WALK, "start", 0)).toEqual({ start: null, end: 9 });
    expect(moved({ start: 3, end: 9 }, WALK, "end", 99)).toEqual({ start: 3, end: null });
  });

  test("leave a frame between them", () => {
    expect(moved({ start: 3, end: 9 }, WALK, "start", 10)).toEqual({ start: 8.9, end: 9 });
    expect(moved({ start: 3, end: 9 }, WALK, "end", 2)).toEqual({ start: 3, end: 3.1 });
    expect(moved({ start: 3, end: 9 }, { ...WALK, rate: 240 }, "end", 2)).toEqual({ start: 3, end: 3.005 });
  });

  test("have places that are as fine as the clip is short, the last of them its end", () => {
    expect([0.83, 100, 1000.5].map((seconds) => placesOf({ ...WALK, seconds }))).toEqual([17, 1000, 1001]);
    expect([1, 1.26, 11].map((time) => placeOf(time, WALK))).toEqual([0, 5, 200]);
    expect(placeOf(1.83, { ...WALK, seconds: 0.83 })).toBe(17);
    expect(moved(null, { ...WALK, seconds: 0.83 }, "end", timeAt(17, WALK))).toEqual({ start: null, end: null });
  });
});

describe("a part of a clip", () => {
  const part = { start: 2, end: null };

  test("is asked for with the film, and with nothing else", () => {
    expect(requestOf({ ...FILM, part }, CHOICES)).toMatchObject({ start: 2, end: null });
    expect("start" in requestOf(FILM, CHOICES)).toBe(false);
    expect("start" in requestOf({ ...FILM, part, film: false, photo: "cat" }, CHOICES)).toBe(false);
  });

  test("is of that clip, and comes back with its film", () => {
    const cut = reduceDraft(FILM, { type: "part", part });
    expect(cut.part).toEqual(part);
    expect(reduceDraft(cut, { type: "clip", id: "walk" }).part).toEqual(part);
    expect(reduceDraft(cut, { type: "clip", id: "run" }).part).toBeNull();
    expect(reduceDraft(cut, { type: "picture-removed", id: "walk" }).part).toBeNull();
    expect(reduceDraft(cut, { type: "part", part: { start: null, end: null } }).part).toBeNull();
    const request = { ...REQUEST, task: "video" as const, photo: null, clip: "walk", start: 0, end: 5 };
    const shown = given({ type: "pictures", pictures: [picture("walk", { kind: "clip" }), picture("wave")] });
    expect(reduce(shown, { type: "again", request }).draft.part).toEqual({ start: null, end: 5 });
    expect(reduceDraft(cut, { type: "again", request: { ...request, end: null } }).part).toBeNull();
  });

  test("of a film whose clip is gone waits for it, and is no other clip's", () => {
    const request = { ...REQUEST, task: "video" as const, photo: null, clip: null, start: 0, end: 5 };
    const again = reduceDraft(FILM, { type: "again", request });
    expect([again.clip, again.part]).toEqual([null, { start: null, end: 5 }]);
    expect(reduceDraft(again, { type: "clip", id: "run" })).toMatchObject({ clip: "run", part: { end: 5 } });
    // Also where it was removed here, after the film was made.
    const shown = given({ type: "pictures", pictures: [picture("run", { kind: "clip" }), picture("wave")] });
    const lost = reduce(shown, { type: "again", request: { ...request, clip: "walk" } });
    expect([lost.draft.film, lost.draft.clip, lost.draft.part]).toEqual([true, null, { start: null, end: 5 }]);
    expect(reduce(lost, { type: "clip", id: "run" }).draft.part).toEqual({ start: null, end: 5 });
    const whole = reduce(lost, { type: "again", request: { ...request, clip: "walk", end: null } });
    expect(whole.draft.part).toBeNull();
  });
});
