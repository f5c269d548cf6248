import { expect, test } from "vitest";
import { en } from "./en";
import { preferred } from "./index";
import { zh } from "./zh";

test("every word is there in both languages, and none was left untranslated", () => {
  const same = ["TIFF"];
  for (const [key, english] of Object.entries(en)) {
    const chinese = zh[key as keyof typeof zh];
    if (typeof english !== "string") continue;
    expect(chinese, key).not.toBe("");
    if (!same.includes(english)) expect(chinese, key).not.toBe(english);
  }
});

test("the language is the first of the browser's that is here", () => {
  expect(preferred(["de", "zh-CN", "en"])).toBe("zh");
  expect(preferred(["de-AT", "en-GB", "zh"])).toBe("en");
  expect(preferred(["fr"])).toBe("en");
  expect(preferred([])).toBe("en");
});

test("parts of a narrow screen have names of their own", () => {
  for (const { style, settings, thisResult, allResults } of [en, zh]) {
    expect(new Set([style, settings, thisResult, allResults]).size).toBe(4);
  }
});
