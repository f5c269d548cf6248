import { expect, test } from "vitest";
import type { Theme } from "./model";
import { nextTheme } from "./theme";

test("the first other theme is seen to be another, and all come in turn", () => {
  const turn = (dark: boolean) => {
    const all: Theme[] = ["auto"];
    for (let each = 0; each < 3; each++) all.push(nextTheme(all[each] as Theme, dark));
    return all;
  };
  expect(turn(false)).toEqual(["auto", "dark", "light", "auto"]);
  expect(turn(true)).toEqual(["auto", "light", "dark", "auto"]);
});
