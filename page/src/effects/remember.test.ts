import { expect, test } from "vitest";
import { EMPTY_DRAFT, type Region } from "../state/model";
import { withoutStrokes } from "./remember";

const REGION: Region = {
  key: "r",
  tint: 2,
  painting: "wave",
  found: null,
  mask: "new",
  base: "old",
  strokes: [{ size: 1, softness: 0, erase: false, dabs: [] }],
  undone: [],
};

test("a mask on the server is all that is kept of strokes", () => {
  const kept = withoutStrokes({ ...EMPTY_DRAFT, photo: "cat", regions: { cat: [REGION, { ...REGION, mask: null }] } });
  expect(kept.photo).toBe("cat");
  expect(kept.regions.cat).toEqual([
    { ...REGION, mask: "new", base: "new", strokes: [] },
    { ...REGION, mask: "old", base: "old", strokes: [] },
  ]);
});
