import { expect, test, vi } from "vitest";
import { dispatch } from "../state/store";
import { job, picture, REQUEST } from "../testing/samples";
import { briefly, looksOf } from "./jobWords";

test("a job is named by what it is painted like, and by when it ended", () => {
  vi.stubGlobal("navigator", { languages: ["en"] });
  dispatch({ type: "refreshing" });
  dispatch({ type: "pictures", pictures: [picture("wave", { name: "the_wave.jpg" }), picture("night")] });
  const request = { ...REQUEST, regions: [{ mask: "m", painting: "night" }] };
  expect(looksOf(job("a", { request }))).toBe("the wave, night in regions");
  expect(looksOf(job("a", { request: { ...request, styles: [] } }))).toBe("night in regions");
  const mixed = { ...request, styles: [...REQUEST.styles, ...request.regions.map((each) => ({ ...each, weight: 1 }))] };
  expect(looksOf(job("a", { request: mixed }))).toBe("the wave + night, night in regions");
  expect(looksOf(job("a", { request: { ...REQUEST, styles: [], style_index: "rhone:1" } }))).toBe("rhone");
  expect(looksOf(job("a", { request: { ...REQUEST, styles: [], style_index: "0,4:0.5" } }))).toBe("Style 1 + Style 5");
  expect(looksOf(job("a", { request: { ...REQUEST, styles: [{ painting: "gone", weight: 1 }] } }))).toBe("");
  expect(briefly(job("a", { state: "running" }))).toBe("Painting · the wave");
  const done = { state: "done", created: "2026-01-01T00:00:00Z", ended: "2026-01-09T12:00:00Z" } as const;
  expect(briefly(job("a", done))).toMatch(/9.* · the wave$/);
  vi.unstubAllGlobals();
});
