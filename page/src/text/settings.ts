/** What settings, their values and recipes are called. The server tells settings in English, by Python names. */
import type { Setting, Value } from "../api/types";
import { language } from "../state/selectors";
import { LABELS_EN, RECIPES_EN, VALUES_EN } from "./settings.en";
import { RECIPES_ZH, SETTINGS_ZH, VALUES_ZH } from "./settings.zh";

/** `style_weight`: Style weight. */
export function label(name: string): string {
  return (
    (language.value === "zh" ? SETTINGS_ZH[name]?.[0] : LABELS_EN[name]) ??
    capital(name.replaceAll("_", " ").replace(/^tv\b/, "TV"))
  );
}

export function meaning(setting: Setting): string {
  return (language.value === "zh" && SETTINGS_ZH[setting.name]?.[1]) || setting.help;
}

/** A value that can be chosen for a setting. */
export function valueLabel(setting: string, value: string): string {
  const key = `${setting}=${value}`;
  return (language.value === "zh" ? VALUES_ZH[key] : VALUES_EN[key]) ?? value;
}

/** A recipe's name, and what it is for; recipes that are not known here speak for themselves. */
export function recipe(name: string): readonly [label: string, help: string] {
  return (language.value === "zh" ? RECIPES_ZH[name] : RECIPES_EN[name]) ?? [capital(name.replaceAll("-", " ")), ""];
}

/** As the setting of that name is written: layers with their shares, lists with commas. */
export function inWords(name: string, value: Value): string {
  if (Array.isArray(value)) return value.join(",");
  if (typeof value === "object" && value !== null) {
    const unsaid = name === "protect" ? 0.5 : 1; // as the server reads them
    return Object.entries(value)
      .map(([key, share]) => (share === unsaid ? key : `${key}:${share}`))
      .join(",");
  }
  return String(value ?? "");
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
