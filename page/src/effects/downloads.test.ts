import { expect, test } from "vitest";
import { nameIn } from "./downloads";

test("a download has the name that the server gives it, in any script", () => {
  expect(nameIn('attachment; filename="cat-wave.png"')).toBe("cat-wave.png");
  expect(nameIn("attachment; filename=\"picture.png\"; filename*=UTF-8''%E7%8C%AB-wave.png")).toBe("猫-wave.png");
  expect(nameIn("")).toBeUndefined();
});
