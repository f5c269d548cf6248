import { describe, expect, test } from "vitest";
import { CHOICES, given, job, picture, REQUEST } from "../testing/samples";
import { FITTED, NO_PREVIEW, type State } from "./model";
import { reduce } from "./reducer";
import { strokeScale } from "./strokes";

describe("jobs", () => {
  test("what is further on counts, whichever comes first", () => {
    const running = job("a", { state: "running", revision: 2 });
    const state = given({ type: "job", job: running }, { type: "job", job: job("a") });
    expect(state.jobs.a).toEqual(running);
    const older = reduce(state, { type: "job", job: { ...running, revision: 1 } });
    expect(older.jobs.a?.revision).toBe(2);
    const done = reduce(state, { type: "job", job: job("a", { state: "done", revision: 3 }) });
    expect(done.jobs.a?.state).toBe("done");
  });

  test("after a lost connection all is taken as the server has it, also a step back", () => {
    const state = given(
      { type: "job", job: job("a", { state: "running" }) },
      { type: "job", job: job("b") },
      { type: "refreshing" },
      { type: "jobs", jobs: [job("a", { state: "waiting" })] },
    );
    expect(Object.keys(state.jobs)).toEqual(["a"]);
    expect(state.jobs.a?.state).toBe("waiting");
  });

  test("what is told of while all are asked for is newer than the answer", () => {
    const [running, done] = [job("a", { state: "running" }), job("a", { state: "done", revision: 3 })];
    const state = given(
      { type: "jobs", jobs: [running, job("gone")] },
      { type: "refreshing" },
      { type: "job", job: done },
      { type: "job", job: job("new") },
      { type: "job-removed", id: "gone" },
      { type: "stage", stage: { show: "job", job: "new", snapshot: null } },
      { type: "jobs", jobs: [running, job("gone"), job("other")] },
    );
    expect(state.jobs).toEqual({ a: done, new: job("new"), other: job("other") });
    expect(state.stage).toMatchObject({ job: "new" });
    // And nothing of it is newer than the next answer.
    const after = [{ type: "refreshing" } as const, { type: "jobs", jobs: [job("other")] } as const];
    expect(Object.keys(after.reduce(reduce, state).jobs)).toEqual(["other"]);
  });

  test("one that is removed leaves the stage", () => {
    const shown = given(
      { type: "job", job: job("a") },
      { type: "stage", stage: { show: "job", job: "a", snapshot: null } },
    );
    expect(reduce(shown, { type: "job-removed", id: "a" }).stage).toEqual({ show: "draft" });
    const pair = reduce(reduce(shown, { type: "job", job: job("b") }), {
      type: "stage",
      stage: { show: "pair", job: "a", other: "b" },
    });
    expect(reduce(pair, { type: "job-removed", id: "b" }).stage).toEqual({ show: "pair", job: "a", other: null });
  });
});

describe("pictures", () => {
  const used = given(
    { type: "picture", picture: picture("cat", { kind: "photo" }) },
    { type: "picture", picture: picture("wave") },
    { type: "photo", id: "cat" },
    { type: "look", id: "wave", network: null, mixing: false },
  );

  test("that are gone are not in the draft either", () => {
    const all = reduce(used, { type: "refreshing" });
    const without = reduce(all, { type: "pictures", pictures: [picture("cat", { kind: "photo" })] });
    expect(without.pictures).not.toHaveProperty("wave");
    expect(without.draft).toMatchObject({ photo: "cat", look: { mix: [] } });
    const again = reduce(without, { type: "again", request: REQUEST });
    expect(again.draft).toMatchObject({ photo: "cat", look: { mix: [] } });
  });

  test("that came while all were asked for stay", () => {
    const all = reduce(reduce(used, { type: "refreshing" }), { type: "picture", picture: picture("night") });
    const chosen = reduce(all, { type: "look", id: "night", network: null, mixing: false });
    const now = reduce(chosen, { type: "pictures", pictures: [picture("cat", { kind: "photo" }), picture("wave")] });
    expect(Object.keys(now.pictures).sort()).toEqual(["cat", "night", "wave"]);
    expect(now.draft.look.mix).toEqual([{ id: "night", weight: 1 }]);
  });
});

describe("the stage", () => {
  const onJob = given(
    { type: "picture", picture: picture("cat", { kind: "photo" }) },
    { type: "photo", id: "cat" },
    { type: "job", job: job("a") },
    { type: "stage", stage: { show: "job", job: "a", snapshot: null } },
  );

  test("whoever changes the draft sees it", () => {
    for (const action of [
      { type: "photo", id: "cat" },
      { type: "look", id: "wave", network: null, mixing: false },
      { type: "recipe", name: "gatys" },
      { type: "setting", name: "strength", value: 0.7 },
      { type: "again", request: REQUEST },
      { type: "region-added", region: { key: "r", found: null } },
    ] as const) {
      expect(reduce(onJob, action).stage, action.type).toEqual({ show: "draft" });
    }
  });

  test("the view stays from snapshot to snapshot, and not from picture to picture", () => {
    const near = reduce(onJob, { type: "view", view: { scale: 4, x: 0.3, y: 0.6 } });
    const snapshot = reduce(near, { type: "stage", stage: { show: "job", job: "a", snapshot: 10 } });
    expect(snapshot.view.scale).toBe(4);
    expect(reduce(near, { type: "stage", stage: { show: "pair", job: "a", other: null } }).view.scale).toBe(4);
    expect(reduce(near, { type: "stage", stage: { show: "job", job: "b", snapshot: null } }).view).toEqual(FITTED);
    expect(reduce(near, { type: "stage", stage: { show: "draft" } }).view).toEqual(FITTED);
  });

  test("a preview goes with the photo that it is of, however another is chosen, and stays with all else", () => {
    const seen = reduce(onJob, { type: "preview", preview: { state: "shown", layers: { "": "blob:cat" } } });
    for (const action of [
      { type: "photo", id: "dog" },
      { type: "clip", id: "walk" },
      { type: "texture" },
      { type: "again", request: { ...REQUEST, photo: "dog" } },
    ] as const) {
      const known = [picture("dog"), picture("walk")].map((each) => ({ type: "picture" as const, picture: each }));
      expect(reduce(known.reduce(reduce, seen), action).preview, action.type).toEqual(NO_PREVIEW);
    }
    expect(reduce(seen, { type: "setting", name: "strength", value: 0.7 }).preview).toBe(seen.preview);
    expect(reduce(seen, { type: "photo", id: "cat" }).preview).toBe(seen.preview);
  });

  test("only a region that is there can be painted", () => {
    expect(reduce(onJob, { type: "paint-region", key: "none" }).painting).toBeNull();
    const added = reduce(onJob, { type: "region-added", region: { key: "r", found: null } });
    expect(added.painting).toBe("r");
    expect(reduce(added, { type: "region-removed", key: "r" }).painting).toBeNull();
    expect(reduce(added, { type: "photo", id: "dog" }).painting).toBeNull();
  });
});

test("a fault of a setting goes with the next change", () => {
  const faulty = given({ type: "fault", fault: { setting: "size", text: "No." } });
  expect(reduce(faulty, { type: "setting", name: "size", value: 64 }).fault).toBeNull();
});

test("the same notice is told once, and not more than four at a time", () => {
  const told = Array.from({ length: 9 }, (_, index) => ({
    type: "notice" as const,
    notice: { key: `n${index}`, kind: "news" as const, text: `text ${Math.min(index, 6)}`, job: null },
  }));
  const { notices } = given(...told);
  expect(notices.map(({ key }) => key)).toEqual(["n3", "n4", "n5", "n8"]);
});

test("an action that changes nothing gives the very same state", () => {
  const state = given({ type: "photo", id: "cat" });
  expect(reduce(state, { type: "undo", key: "none" }).draft.photo).toBe("cat");
  expect(reduce(state, { type: "live", live: true })).toEqual(state);
});

test("who paints a region finds the paintings, and then the regions again", () => {
  const photo = given({ type: "photo", id: "cat" }, { type: "tab", tab: "settings" });
  const added = reduce(photo, { type: "region-added", region: { key: "r", found: null } });
  expect(added).toMatchObject({ painting: "r", tab: "style" });
  const done = reduce(added, { type: "paint-region", key: null });
  expect(done).toMatchObject({ painting: null, tab: "settings" });
  expect(reduce(done, { type: "paint-region", key: "r" }).tab).toBe("style");
});

test("a job that tells nothing new stands still until its next step, whatever else is told of it", () => {
  const going = { share: 0.1, text: "", iteration: 8, iterations: 90, losses: {}, scale: null, left_s: 63, rate: null };
  const at = (more: object, revision: number) =>
    ({ type: "job", job: job("a", { state: "running", revision, progress: { ...going, ...more } }) }) as const;
  const state = given(at({}, 1), { type: "still", id: "a" });
  expect(state.still).toBe("a");
  expect(reduce(state, at({}, 2)).still).toBe("a");
  expect(reduce(state, { type: "job", job: job("b") }).still).toBe("a");
  expect(reduce(state, at({ iteration: 9, share: 0.11 }, 2)).still).toBeNull();
  expect(reduce(state, { type: "job", job: job("a", { state: "done" }) }).still).toBeNull();
});

test("another look keeps the strokes as fine as they were made, there and back", () => {
  const look = (id: string, network: string | null) => ({ type: "look", id, network, mixing: false }) as const;
  const scale = (state: State) => strokeScale(state.draft, CHOICES);
  const fine = given(
    { type: "choices", choices: CHOICES },
    { type: "photo", id: "cat" },
    look("wave", null),
    { type: "setting", name: "style_scale", value: "0.5" },
    { type: "setting", name: "size", value: "512" },
  );
  const learnt = reduce(fine, look("rhone", "multi"));
  expect(learnt.draft.settings).toMatchObject({ size: "512", stroke_size: 1024 });
  expect(scale(learnt)).toBeCloseTo(0.5);
  const broader = reduce(learnt, { type: "setting", name: "stroke_size", value: 256 });
  expect(scale(reduce(broader, look("wave", null)))).toBeCloseTo(2);
  const usual = reduce(broader, { type: "setting", name: "stroke_size", value: undefined });
  expect(scale(reduce(usual, look("wave", null)))).toBe(1);
  expect(reduce(fine, look("night", null)).draft.settings).toEqual(fine.draft.settings);
});

describe("what is to be deleted", () => {
  const ask = (kind: "picture" | "job" | "region", id: string) => ({ type: "dialog", dialog: { kind, id } }) as const;

  test("is there until whoever is asked has answered", () => {
    const state = given(
      { type: "picture", picture: picture("wave") },
      { type: "job", job: job("a") },
      { type: "photo", id: "cat" },
      { type: "region-added", region: { key: "r", found: null } },
    );
    for (const each of [ask("picture", "wave"), ask("job", "a"), ask("region", "r")]) {
      const { dialog, ...others } = reduce(state, each);
      expect(dialog).toEqual(each.dialog);
      expect({ ...others, dialog: null }).toEqual(state);
    }
  });

  test("is not asked about once it has gone, here or elsewhere", () => {
    const gone = [
      [ask("picture", "wave"), { type: "picture-removed", id: "wave" }],
      [ask("job", "a"), { type: "job-removed", id: "a" }],
      [ask("region", "r"), { type: "region-removed", key: "r" }],
    ] as const;
    for (const [asked, action] of gone) {
      expect(given(asked, action).dialog).toBeNull();
      expect(given(ask(asked.dialog.kind, "other"), action).dialog).toEqual({ kind: asked.dialog.kind, id: "other" });
    }
  });
});
