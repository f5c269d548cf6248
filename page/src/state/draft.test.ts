import { describe, expect, test } from "vitest";
import { REQUEST } from "../testing/samples";
import { parsedShares, reduceDraft, sharesInWords } from "./draft";
import { EMPTY_DRAFT } from "./model";

const look = (id: string, network: string | null = null, mixing = false) =>
  ({ type: "look", id, network, mixing }) as const;

describe("the look", () => {
  test("one takes the place of another; mixed, they gather and can be taken out again", () => {
    const one = reduceDraft(EMPTY_DRAFT, look("wave"));
    expect(reduceDraft(one, look("night")).look.mix).toEqual([{ id: "night", weight: 1 }]);
    const two = reduceDraft(one, look("night", null, true));
    expect(two.look.mix.map(({ id }) => id)).toEqual(["wave", "night"]);
    expect(reduceDraft(two, look("wave", null, true)).look.mix.map(({ id }) => id)).toEqual(["night"]);
  });

  test("paintings and learnt styles do not mix", () => {
    const painting = reduceDraft(EMPTY_DRAFT, look("wave"));
    expect(reduceDraft(painting, look("rhone", "multi", true)).look).toEqual({
      network: "multi",
      mix: [{ id: "rhone", weight: 1 }],
    });
  });

  test("weights are of one", () => {
    const two = [look("wave"), look("night", null, true)].reduce(reduceDraft, EMPTY_DRAFT);
    const weighed = reduceDraft(two, { type: "weight", id: "night", weight: 0.25 });
    expect(weighed.look.mix).toEqual([
      { id: "wave", weight: 1 },
      { id: "night", weight: 0.25 },
    ]);
  });

  test("shares in words and back", () => {
    const mix = [
      { id: "rhone", weight: 0.5 },
      { id: "cottages", weight: 1 },
    ];
    expect(parsedShares(sharesInWords(mix))).toEqual(mix);
    expect(parsedShares(" rhone , cottages:0.5")).toEqual([
      { id: "rhone", weight: 1 },
      { id: "cottages", weight: 0.5 },
    ]);
    expect(parsedShares("")).toEqual([]);
  });
});

describe("settings", () => {
  test("are set, and with nothing are the recipe's again", () => {
    const set = reduceDraft(EMPTY_DRAFT, { type: "setting", name: "strength", value: 0.7 });
    expect(set.settings).toEqual({ strength: 0.7 });
    expect(reduceDraft(set, { type: "setting", name: "strength", value: undefined }).settings).toEqual({});
  });

  test("stay when the recipe changes", () => {
    const set = reduceDraft(EMPTY_DRAFT, { type: "setting", name: "strength", value: 0.7 });
    expect(reduceDraft(set, { type: "recipe", name: "gatys" })).toMatchObject({
      recipe: "gatys",
      settings: { strength: 0.7 },
    });
  });
});

describe("again with the settings of a job", () => {
  test("of paintings and regions", () => {
    const request = {
      ...REQUEST,
      regions: [{ mask: "m", painting: "night" }],
      recipe: "statistics",
      settings: { strength: 0.7 },
    };
    const draft = reduceDraft(EMPTY_DRAFT, { type: "again", request });
    expect(draft).toMatchObject({ photo: "cat", recipe: "statistics", settings: { strength: 0.7 } });
    expect(draft.look).toEqual({ network: null, mix: [{ id: "wave", weight: 1 }] });
    expect(draft.regions.cat).toMatchObject([{ mask: "m", base: "m", painting: "night", strokes: [] }]);
  });

  test("of learnt styles", () => {
    const request = {
      ...REQUEST,
      styles: [],
      style_index: "rhone:0.5,cottages:0.5",
      settings: { method: "fast", network: "multi", strength: 0.4 },
    };
    const draft = reduceDraft(EMPTY_DRAFT, { type: "again", request });
    expect(draft.look.network).toBe("multi");
    expect(draft.look.mix.map(({ id }) => id)).toEqual(["rhone", "cottages"]);
    expect(draft.settings).toEqual({ strength: 0.4 });
  });

  test("a photo that is not here any more leaves the one that is", () => {
    const draft = reduceDraft(
      { ...EMPTY_DRAFT, photo: "dog" },
      { type: "again", request: { ...REQUEST, photo: null } },
    );
    expect(draft.photo).toBe("dog");
  });
});

test("a texture takes the photo's place, and leaves it again", () => {
  const photo = reduceDraft(EMPTY_DRAFT, { type: "photo", id: "cat" });
  const texture = reduceDraft(photo, { type: "texture" });
  expect(texture).toMatchObject({ texture: true, photo: "cat" });
  expect(reduceDraft(texture, { type: "photo", id: "cat" }).texture).toBe(false);
  const request = { ...REQUEST, task: "texture" as const, photo: null, recipe: "texture" };
  const regions = { cat: [] };
  expect(reduceDraft({ ...photo, recipe: "gatys", regions }, { type: "again", request })).toMatchObject({
    texture: true,
    photo: "cat",
    recipe: "gatys",
    regions,
  });
  expect(reduceDraft(texture, { type: "again", request: REQUEST }).texture).toBe(false);
});

test("a picture that is removed is in no part of the draft", () => {
  const full = [
    { type: "photo", id: "cat" } as const,
    look("wave"),
    look("night", null, true),
    { type: "region-added", region: { key: "r", found: null } } as const,
    { type: "region-painting", key: "r", painting: "wave" } as const,
  ].reduce(reduceDraft, EMPTY_DRAFT);
  const without = reduceDraft(full, { type: "picture-removed", id: "wave" });
  expect(without.look.mix.map(({ id }) => id)).toEqual(["night"]);
  expect(without.regions.cat?.[0]?.painting).toBeNull();
  const empty = reduceDraft(full, { type: "picture-removed", id: "cat" });
  expect(empty.photo).toBeNull();
  expect(empty.regions).toEqual({});
});
