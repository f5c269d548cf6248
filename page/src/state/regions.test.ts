import { describe, expect, test } from "vitest";
import type { Action } from "./actions";
import { reduceDraft } from "./draft";
import { type Draft, EMPTY_DRAFT, type Stroke } from "./model";
import { isPainted, regionsOf, restoredRegions, TINTS } from "./regions";

const stroke = (size: number): Stroke => ({ size, softness: 0, erase: false, dabs: [[0.5, 0.5, 1]] });
const [first, second] = [stroke(0.1), stroke(0.2)];
const add = (key: string): Action => ({ type: "region-added", region: { key, found: null } });

function given(...actions: Action[]): Draft {
  return actions.reduce(reduceDraft, { ...EMPTY_DRAFT, photo: "cat" });
}

function only(draft: Draft) {
  const [region] = regionsOf(draft);
  if (region === undefined) throw new Error("no region");
  return region;
}

describe("strokes", () => {
  test("are undone and redone, one by one, and a new one ends what could be redone", () => {
    const drawn = [
      add("r"),
      { type: "stroke", key: "r", stroke: first },
      { type: "stroke", key: "r", stroke: second },
    ] as Action[];
    const undo: Action = { type: "undo", key: "r" };
    const redo: Action = { type: "redo", key: "r" };
    expect(only(given(...drawn, undo)).strokes).toEqual([first]);
    expect(only(given(...drawn, undo, undo, undo)).strokes).toEqual([]);
    expect(only(given(...drawn, undo, undo, redo)).strokes).toEqual([first]);
    expect(only(given(...drawn, undo, undo, redo, redo, redo)).strokes).toEqual([first, second]);
    expect(only(given(...drawn, undo, { type: "stroke", key: "r", stroke: first })).undone).toEqual([]);
  });

  test("make the mask on the server an old one", () => {
    const drawn = given(add("r"), { type: "stroke", key: "r", stroke: first });
    const { strokes } = only(drawn);
    const saved = reduceDraft(drawn, { type: "mask-saved", photo: "cat", key: "r", mask: "m", strokes });
    expect(only(saved).mask).toBe("m");
    const more = reduceDraft(saved, { type: "stroke", key: "r", stroke: second });
    expect(only(more).mask).toBeNull();
    // What comes late is of other strokes.
    expect(only(reduceDraft(more, { type: "mask-saved", photo: "cat", key: "r", mask: "m", strokes })).mask).toBeNull();
  });

  test("on a mask from the server, taken back, leave that mask", () => {
    const request = {
      task: "stylize" as const,
      photo: "cat",
      styles: [],
      style_index: "",
      clip: null,
      regions: [{ mask: "m", painting: "wave" }],
      recipe: "default",
      settings: {},
    };
    const restored = given({ type: "again", request }, { type: "stroke", key: "m-0", stroke: first });
    expect(only(restored)).toMatchObject({ base: "m", mask: null });
    expect(only(reduceDraft(restored, { type: "undo", key: "m-0" })).mask).toBe("m");
  });
});

test("a mask that arrives after another photo was chosen finds its region", () => {
  const drawn = given(add("r"), { type: "stroke", key: "r", stroke: first });
  const { strokes } = only(drawn);
  const elsewhere = reduceDraft(drawn, { type: "photo", id: "dog" });
  const saved = reduceDraft(elsewhere, { type: "mask-saved", photo: "cat", key: "r", mask: "m", strokes });
  expect(saved.regions.cat?.[0]?.mask).toBe("m");
  expect(regionsOf(saved)).toEqual([]);
});

test("regions have tints of their own as long as there are any, also after one has gone", () => {
  const keys = Array.from({ length: TINTS + 1 }, (_, index) => `r${index}`);
  const tints = regionsOf(given(...keys.map(add))).map(({ tint }) => tint);
  expect(new Set(tints.slice(0, TINTS)).size).toBe(TINTS);
  const again = given(add("a"), add("b"), { type: "region-removed", key: "a" }, add("c"));
  expect(regionsOf(again).map(({ tint }) => tint)).toEqual([1, 0]);
});

test("without a photo there are no regions, and none can be added", () => {
  const draft = reduceDraft(EMPTY_DRAFT, add("r"));
  expect(draft).toBe(EMPTY_DRAFT);
  expect(regionsOf(draft)).toEqual([]);
});

test("a region is painted when it has strokes or a mask", () => {
  const empty = only(given(add("r")));
  expect(isPainted(empty)).toBe(false);
  expect(isPainted({ ...empty, base: "m" })).toBe(true);
  expect(isPainted({ ...empty, strokes: [first] })).toBe(true);
});

test("two regions that are brought back with one mask are two", () => {
  const [one, other] = restoredRegions([
    { mask: "m", painting: "night" },
    { mask: "m", painting: "wave" },
  ]);
  expect([one?.mask, other?.mask]).toEqual(["m", "m"]);
  expect(one?.key).not.toBe(other?.key);
});
