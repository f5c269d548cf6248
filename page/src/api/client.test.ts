import { expect, test } from "vitest";
import { mayPass, Refused } from "./client";

test("what nobody answered, or not for now, is worth another try, and what is refused for good is not", () => {
  const refused = (status: number) => mayPass(new Refused(status, ""));
  expect([0, 408, 429, 500, 502, 503, 504].filter((status) => !refused(status))).toEqual([]);
  expect([401, 403, 413, 415, 422, 507].filter(refused)).toEqual([]);
  expect(mayPass(new TypeError("Failed to fetch"))).toBe(true);
});
