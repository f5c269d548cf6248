import { expect, test } from "vitest";
import { given, job } from "../testing/samples";
import { reduce } from "./reducer";

const JOBS = [job("a", { state: "done" }), job("b", { state: "done" }), job("c", { state: "done" })];
const MARKED = given(
  { type: "jobs", jobs: JOBS },
  { type: "dialog", dialog: "history" },
  { type: "marked", ids: ["a", "b"] },
);

test("marks stay while one is asked about them, and go with the window", () => {
  const asked = reduce(MARKED, { type: "dialog", dialog: { kind: "jobs", ids: ["a", "b"] } });
  expect(reduce(asked, { type: "dialog", dialog: "history" }).marked).toEqual(["a", "b"]);
  expect(reduce(MARKED, { type: "dialog", dialog: null }).marked).toBeNull();
});

test("what is deleted meanwhile is neither marked nor asked about", () => {
  const asked = reduce(MARKED, { type: "dialog", dialog: { kind: "jobs", ids: ["a", "b"] } });
  const one = reduce(asked, { type: "job-removed", id: "a" });
  expect([one.marked, one.dialog]).toEqual([["b"], { kind: "jobs", ids: ["b"] }]);
  const none = reduce(one, { type: "job-removed", id: "b" });
  expect([none.marked, none.dialog]).toEqual([[], "history"]);
});
