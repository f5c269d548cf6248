/** Light or dark, or as the system has it. */
import type { Theme } from "./model";

/** The next one, and first of all the one that looks unlike the system's. */
export function nextTheme(theme: Theme, dark: boolean): Theme {
  const [like, unlike] = dark ? (["dark", "light"] as const) : (["light", "dark"] as const);
  return ({ auto: unlike, [unlike]: like, [like]: "auto" } as Record<Theme, Theme>)[theme];
}
