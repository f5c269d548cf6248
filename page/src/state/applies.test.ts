import { describe, expect, test } from "vitest";
import { CHOICES } from "../testing/samples";
import { applies, lacks, requestOf, valueFor } from "./applies";
import { type Draft, EMPTY_DRAFT, type Region } from "./model";

const DRAFT: Draft = { ...EMPTY_DRAFT, photo: "cat", look: { network: null, mix: [{ id: "wave", weight: 1 }] } };
const LEARNT: Draft = { ...DRAFT, look: { network: "multi", mix: [{ id: "rhone", weight: 0.5 }] } };
const REGION: Region = {
  key: "r",
  tint: 0,
  painting: "night",
  found: null,
  mask: "m",
  base: "m",
  strokes: [],
  undone: [],
};

function effective(draft: Draft): string[] {
  return CHOICES.settings.filter((each) => applies(each, draft, CHOICES)).map(({ name }) => name);
}

describe("values", () => {
  test("are the user's, or the recipe's, or the setting's own", () => {
    const draft = { ...DRAFT, recipe: "statistics", settings: { style_weight: 3 } };
    expect(valueFor("style_weight", draft, CHOICES)).toBe(3);
    expect(valueFor("tv_weight", draft, CHOICES)).toBe(5);
    expect(valueFor("history", draft, CHOICES)).toBe(7);
  });

  test("a learnt style is painted by the fast method", () => {
    expect(valueFor("method", LEARNT, CHOICES)).toBe("fast");
  });
});

describe("what applies", () => {
  test("is of the method, and has what it needs", () => {
    expect(effective(DRAFT)).toEqual([
      "method",
      "strength",
      "style_weight",
      "tv_weight",
      "optimizer",
      "history",
      "keep_colour",
      "style_scale",
      "size",
    ]);
    expect(effective({ ...DRAFT, settings: { optimizer: "adam", tv_weight: 2 } })).toEqual(
      expect.arrayContaining(["tv_norm", "learning_rate"]),
    );
    expect(effective(LEARNT)).toEqual(["method", "network", "strength", "keep_colour", "stroke_size", "size"]);
  });

  test("feathers need regions", () => {
    expect(effective({ ...DRAFT, regions: { cat: [REGION] } })).toContain("feather");
    expect(effective({ ...DRAFT, regions: { dog: [REGION] } })).not.toContain("feather");
  });
});

describe("what is asked of the server", () => {
  test("leaves out what is the recipe's own and what has no effect", () => {
    const settings = { strength: 0.7, style_weight: 0.3, learning_rate: 0.1, stroke_size: 256, gone: 1 };
    expect(requestOf({ ...DRAFT, settings }, CHOICES).settings).toEqual({ strength: 0.7 });
  });

  test("paintings, or learnt styles with their network", () => {
    expect(requestOf(DRAFT, CHOICES)).toMatchObject({
      photo: "cat",
      styles: [{ painting: "wave", weight: 1 }],
      style_index: "",
    });
    expect(requestOf({ ...LEARNT, recipe: "statistics" }, CHOICES)).toMatchObject({
      styles: [],
      style_index: "rhone:0.5",
      recipe: "default",
      settings: { method: "fast", network: "multi" },
    });
  });

  test("regions that have a mask and a painting", () => {
    const regions = {
      cat: [REGION, { ...REGION, key: "s", painting: null }, { ...REGION, key: "t", base: null, mask: null }],
    };
    expect(requestOf({ ...DRAFT, regions }, CHOICES).regions).toEqual([{ mask: "m", painting: "night" }]);
    expect(requestOf({ ...LEARNT, regions }, CHOICES).regions).toEqual([]);
    const faces = { cat: [{ ...REGION, found: "faces" as const, base: null, mask: null }] };
    expect(requestOf({ ...DRAFT, regions: faces }, CHOICES).regions).toEqual([{ mask: "faces", painting: "night" }]);
    expect(lacks({ ...DRAFT, regions: faces }, CHOICES)).toBeNull();
  });
});

describe("a texture", () => {
  const texture: Draft = { ...DRAFT, texture: true, settings: { strength: 0.9, tv_weight: 2 } };

  test("has no photo, and a recipe and settings of its own", () => {
    expect(requestOf(texture, CHOICES)).toMatchObject({
      task: "texture",
      photo: null,
      styles: [{ painting: "wave", weight: 1 }],
      regions: [],
      recipe: "texture",
      settings: { tv_weight: 2 },
    });
    expect(valueFor("tv_weight", { ...texture, settings: {} }, CHOICES)).toBe(1);
  });

  test("lacks nothing but a painting", () => {
    expect(lacks({ ...texture, photo: null }, CHOICES)).toBeNull();
    expect(lacks({ ...texture, look: EMPTY_DRAFT.look }, CHOICES)).toBe("painting");
    expect(lacks({ ...texture, look: LEARNT.look }, CHOICES)).toBe("painting");
  });
});

describe("what is lacking", () => {
  test("is asked for in turn, once the studio is there", () => {
    expect(lacks(DRAFT, null)).toBe("studio");
    expect(lacks(EMPTY_DRAFT, CHOICES)).toBe("photo");
    expect(lacks({ ...EMPTY_DRAFT, photo: "cat" }, CHOICES)).toBe("style");
    expect(lacks(DRAFT, CHOICES)).toBeNull();
  });

  test("no region is left out in silence: each is brushed, has a painting, or is removed", () => {
    const empty = { ...REGION, base: null };
    const having = (...regions: Region[]) => lacks({ ...DRAFT, regions: { cat: regions } }, CHOICES);
    expect(having(REGION, empty)).toBe("brushed");
    expect(having(REGION, { ...REGION, key: "s", painting: null })).toBe("regionPainting");
    expect(having(REGION)).toBeNull();
    expect(lacks({ ...EMPTY_DRAFT, photo: "cat", regions: { cat: [empty] } }, CHOICES)).toBe("brushed");
    expect(lacks({ ...LEARNT, regions: { cat: [empty] } }, CHOICES)).toBeNull(); // which has none
  });

  test("regions are for the optimiser: another method is told before it is asked for", () => {
    const by = (method: string, ...regions: Region[]) =>
      lacks({ ...DRAFT, settings: { method }, regions: { cat: regions } }, CHOICES);
    expect(by("fast", REGION)).toBe("regionMethod");
    expect(by("refine", REGION)).toBe("regionMethod");
    expect(by("iterative", REGION)).toBeNull();
    expect(by("fast")).toBeNull();
    expect(by("fast", { ...REGION, base: null })).toBe("brushed");
    expect(lacks({ ...LEARNT, regions: { cat: [REGION] } }, CHOICES)).toBeNull(); // which has none
  });

  test("a region may do without a painting for the rest, and waits for its mask", () => {
    const alone = { ...EMPTY_DRAFT, photo: "cat", regions: { cat: [REGION] } };
    expect(lacks(alone, CHOICES)).toBeNull();
    const stroke = { size: 1, softness: 0, erase: false, dabs: [] };
    expect(lacks({ ...alone, regions: { cat: [{ ...REGION, mask: null, strokes: [stroke] }] } }, CHOICES)).toBe("mask");
  });
});
