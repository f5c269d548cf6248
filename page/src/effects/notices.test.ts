import { expect, test } from "vitest";
import { upload } from "../api/upload";
import { sentence } from "./notices";

test("a file that cannot be read is told as that, and not as a studio that is away", async () => {
  const folder = { slice: () => ({ arrayBuffer: () => Promise.reject(new Error("NotReadableError")) }) };
  const error = await upload(folder as unknown as Blob, "photo", "holidays").catch((error: unknown) => error);
  expect(sentence(error)).toMatch("cannot be read");
});
