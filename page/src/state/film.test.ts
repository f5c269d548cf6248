import { describe, expect, test } from "vitest";
import { CHOICES, given, job, picture, REQUEST } from "../testing/samples";
import { applies, lacks, requestOf } from "./applies";
import { reduceDraft } from "./draft";
import { type Draft, EMPTY_DRAFT } from "./model";
import { FRAMES, wantedPreviews } from "./preview";
import { reduce } from "./reducer";
import { regionsOf, restoredRegions } from "./regions";
import { strokeScale, strokeSetting } from "./strokes";

const LOOK = { network: null, mix: [{ id: "wave", weight: 1 }] };
const FILM: Draft = { ...EMPTY_DRAFT, photo: "cat", clip: "walk", film: true, look: LOOK };

describe("a film", () => {
  test("is asked for with its clip, and no photo, recipe or regions of one", () => {
    const settings = { strength: 0.7, steady: "shots", style_weight: 2, method: "iterative" };
    const regions = { cat: restoredRegions([{ mask: "m", painting: "night" }]) };
    expect(requestOf({ ...FILM, recipe: "statistics", settings, regions }, CHOICES)).toEqual({
      task: "video",
      photo: null,
      clip: "walk",
      styles: [{ painting: "wave", weight: 1 }],
      style_index: "",
      regions: [],
      recipe: "default",
      settings: { strength: 0.7, steady: "shots" },
    });
    expect(regionsOf({ ...FILM, regions })).toEqual([]);
    const learnt = { ...FILM, look: { network: "multi", mix: [{ id: "rhone", weight: 1 }] } };
    expect(requestOf(learnt, CHOICES)).toMatchObject({ style_index: "rhone:1", settings: { network: "multi" } });
  });

  test("heeds what is of films, which is of nothing else", () => {
    const effective = (draft: Draft) => CHOICES.settings.filter((each) => applies(each, draft, CHOICES));
    expect(effective(FILM).map(({ name }) => name)).toEqual(["network", "strength", "stroke_size", "size", "steady"]);
    expect(effective({ ...FILM, film: false }).map(({ name }) => name)).not.toContain("steady");
    expect(requestOf({ ...FILM, film: false }, CHOICES)).toMatchObject({ task: "stylize", photo: "cat", clip: null });
  });

  test("lacks a clip, and then a style", () => {
    expect(lacks({ ...FILM, clip: null }, CHOICES)).toBe("clip");
    expect(lacks({ ...FILM, look: EMPTY_DRAFT.look }, CHOICES)).toBe("style");
    expect(lacks({ ...FILM, photo: null }, CHOICES)).toBeNull();
  });

  test("is previewed in three frames at once", () => {
    const wanted = wantedPreviews(FILM, CHOICES);
    expect(Object.keys(wanted)).toEqual(FRAMES.map(String));
    expect(Object.values(wanted).map(({ photo, frame }) => [photo, frame])).toEqual(
      FRAMES.map((each) => ["walk", each]),
    );
    expect(wantedPreviews({ ...FILM, look: EMPTY_DRAFT.look }, CHOICES)).toEqual({});
  });

  test("has strokes in proportion to its own size", () => {
    const [name, value] = strokeSetting(FILM, CHOICES, 2, 640);
    expect([name, value]).toEqual(["stroke_size", 320]);
    expect(strokeScale({ ...FILM, settings: { stroke_size: 320 } }, CHOICES, 640)).toBe(2);
  });
});

describe("the draft", () => {
  test("keeps what was chosen of the one while the other is painted", () => {
    const film = reduceDraft({ ...EMPTY_DRAFT, photo: "cat" }, { type: "clip", id: "walk" });
    expect([film.film, film.clip, film.photo]).toEqual([true, "walk", "cat"]);
    const photo = reduceDraft(film, { type: "photo", id: "cat" });
    expect([photo.film, photo.clip]).toEqual([false, "walk"]);
    expect(reduceDraft(film, { type: "texture" })).toMatchObject({ film: false, texture: true, clip: "walk" });
  });

  test("comes back from a film, without its clip if that is gone", () => {
    const request = { ...REQUEST, task: "video" as const, photo: null, clip: "walk", settings: { strength: 0.2 } };
    const shown = given({ type: "pictures", pictures: [picture("walk", { kind: "clip" }), picture("wave")] });
    expect(given({ type: "again", request }).draft).toMatchObject({ film: true, clip: null });
    const again = reduceDraft(shown.draft, { type: "again", request });
    expect(again).toMatchObject({ film: true, clip: "walk", settings: { strength: 0.2 } });
    expect(reduceDraft(again, { type: "picture-removed", id: "walk" }).clip).toBeNull();
  });

  test("comes onto the stage when a clip is chosen", () => {
    const on = given(
      { type: "job", job: job("j") },
      { type: "stage", stage: { show: "job", job: "j", snapshot: null } },
    );
    expect(on.stage.show).toBe("job");
    const chosen = reduce(on, { type: "clip", id: "walk" });
    expect([chosen.stage.show, chosen.tab, chosen.preview.state]).toEqual(["draft", "style", "none"]);
  });
});
