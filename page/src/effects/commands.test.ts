import { expect, test, vi } from "vitest";
import { dispatch, state } from "../state/store";
import { job } from "../testing/samples";
import { cancel, choosePainting } from "./commands";

test("a painting chosen for a region is that region's alone, also when it arrives after the brush was left", () => {
  dispatch({ type: "photo", id: "cat" });
  choosePainting("night");
  dispatch({ type: "region-added", region: { key: "r", found: null } });
  const region = state.value.painting;
  choosePainting("wave");
  const now = () => [state.value.draft.look.mix.map(({ id }) => id), state.value.draft.regions.cat?.[0]?.painting];
  expect(now()).toEqual([["night"], "wave"]);
  dispatch({ type: "paint-region", key: null });
  choosePainting("storm", false, region);
  expect(now()).toEqual([["night"], "storm"]);
  choosePainting("storm");
  expect(now()).toEqual([["storm"], "storm"]);
});

test("a job taken out of the queue leaves no result, but one that has begun does", async () => {
  const began = job("b", { state: "cancelled", started: "2026-01-01T00:00:00Z" });
  const answers: Record<string, object> = { a: job("a", { state: "cancelled" }), b: began };
  const sent: string[] = [];
  vi.stubGlobal("fetch", async (path: string, { method }: RequestInit) => {
    sent.push(`${method} ${path}`);
    return new Response(JSON.stringify(answers[path.split("/").at(-2) ?? ""] ?? null));
  });
  dispatch({ type: "refreshing" });
  dispatch({ type: "jobs", jobs: [job("a"), began] });
  await cancel(job("a"));
  await cancel(job("b"));
  vi.unstubAllGlobals();
  expect(Object.keys(state.value.jobs)).toEqual(["b"]);
  expect(sent.map((each) => each.split("/").slice(-2).join("/"))).toEqual(["a/cancel", "jobs/a", "b/cancel"]);
});
