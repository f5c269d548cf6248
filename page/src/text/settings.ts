/** What settings and their words are called. The server tells them in English, by their Python names. */
import type { Setting } from "../api/types";
import { language } from "../state/selectors";
import { SETTINGS, WORDS } from "./settings.zh";

/** `style_weight`: Style weight. */
export function label(name: string): string {
  const chinese = language.value === "zh" ? SETTINGS[name]?.[0] : undefined;
  if (chinese !== undefined) return chinese;
  const words = name.replaceAll("_", " ").replace(/^tv\b/, "TV");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function meaning(setting: Setting): string {
  return (language.value === "zh" && SETTINGS[setting.name]?.[1]) || setting.help;
}

/** A word that can be chosen, or what the server says of it. */
export function word(name: string, otherwise = name): string {
  return (language.value === "zh" && WORDS[name]) || otherwise;
}
