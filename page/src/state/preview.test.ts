import { describe, expect, test } from "vitest";
import { CHOICES } from "../testing/samples";
import { type Draft, EMPTY_DRAFT, type Region } from "./model";
import { atHalf, sameHand, type Wanted, wantedPreviews } from "./preview";
import { strokeScale, strokeSetting } from "./strokes";

const DRAFT: Draft = { ...EMPTY_DRAFT, photo: "cat", look: { network: null, mix: [{ id: "wave", weight: 1 }] } };
const REGION: Region = {
  key: "r",
  tint: 0,
  painting: "night",
  found: null,
  mask: null,
  base: "m",
  strokes: [],
  undone: [],
};

describe("previews", () => {
  test("need a photo and something to paint it like", () => {
    expect(wantedPreviews(EMPTY_DRAFT, CHOICES)).toEqual({});
    expect(wantedPreviews({ ...EMPTY_DRAFT, photo: "cat" }, CHOICES)).toEqual({});
  });

  test("of the whole and of every region", () => {
    const wanted = wantedPreviews({ ...DRAFT, regions: { cat: [REGION] } }, CHOICES);
    expect(wanted[""]?.styles).toEqual([{ painting: "wave", weight: 1 }]);
    expect(wanted.r?.styles).toEqual([{ painting: "night", weight: 1 }]);
    expect(wanted[""]?.stroke_size).toBeNull();
  });

  test("of a learnt style there are no regions", () => {
    const learnt = {
      ...DRAFT,
      look: { network: "multi", mix: [{ id: "rhone", weight: 1 }] },
      regions: { cat: [REGION] },
    };
    expect(wantedPreviews(learnt, CHOICES)).toEqual({
      "": {
        photo: "cat",
        frame: 0,
        strength: 0.5,
        stroke_size: null,
        size: 512,
        keep_colour: "none",
        styles: [],
        style_index: "rhone:1",
        network: "multi",
      },
    });
  });

  test("keep the photo's colours as the picture will, also in regions; films do not", () => {
    const kept = { ...DRAFT, regions: { cat: [REGION] }, settings: { keep_colour: "luminance" } };
    const colours = (draft: Draft) => Object.values(wantedPreviews(draft, CHOICES)).map((each) => each.keep_colour);
    expect(colours(kept)).toEqual(["luminance", "luminance"]);
    expect(colours({ ...kept, look: { network: "multi", mix: DRAFT.look.mix } })).toEqual(["luminance"]);
    expect(colours({ ...kept, film: true, clip: "walk" })).toEqual(["none", "none", "none"]);
  });

  test("show strokes as large as they will be", () => {
    const broad = { ...DRAFT, settings: { style_scale: "2" } };
    expect(wantedPreviews(broad, CHOICES)[""]?.stroke_size).toBe(256);
  });
});

describe("a small preview comes first", () => {
  const wanted = (settings = {}, look = DRAFT.look) =>
    wantedPreviews({ ...DRAFT, settings, look }, CHOICES)[""] as Wanted;

  test("at half the size, with strokes as large in it", () => {
    expect(atHalf(wanted())).toEqual({ ...wanted(), size: 256 });
    expect(atHalf(wanted({ style_scale: "2" }))).toMatchObject({ size: 256, stroke_size: 128 });
  });

  test("and tells something of every place of a dial, but not of another painting", () => {
    expect(sameHand(atHalf(wanted()), wanted({ strength: 0.9, style_scale: "2" }))).toBe(true);
    expect(sameHand(wanted(), wanted({}, { network: null, mix: [{ id: "night", weight: 1 }] }))).toBe(false);
    expect(sameHand(wanted(), wanted({ keep_colour: "linear" }))).toBe(false);
  });
});

describe("the size of strokes", () => {
  for (const method of ["iterative", "fast"]) {
    test(`is one dial of ${method}`, () => {
      for (const scale of [0.25, 0.5, 1, 2, 4]) {
        const [name, value] = strokeSetting({ ...DRAFT, settings: { method } }, CHOICES, scale);
        const settings = { method, ...(value === undefined ? {} : { [name]: value }) };
        expect(strokeScale({ ...DRAFT, settings }, CHOICES)).toBeCloseTo(scale, 2);
      }
    });
  }
});
