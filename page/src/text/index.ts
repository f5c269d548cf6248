/** Words in the language that was chosen, and numbers as they are read there. */
// All words stand beside one another in the bundle, for so it is packed smaller.
import "./sentences.zh.json";
import "./settings.zh";
import "./zh";
import "./en";
import "./settings.en";
import type { Language } from "../state/model";
import { language } from "../state/selectors";
import { en, type Text } from "./en";
import { zh } from "./zh";

const TEXTS: Record<Language, Text> = { en, zh };

/** The words; read while drawing, so that a change of language draws anew. */
export function t(): Text {
  return TEXTS[language.value];
}

export function preferred(languages: readonly string[]): Language {
  const first = languages.find((each) => /^(en|zh)\b/i.test(each));
  return first?.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** 8 s, 3 min, 2 h: as exact as anyone wants to know. */
export function duration(seconds: number): string {
  const units = language.value === "zh" ? ["秒", "分", "小时"] : ["s", "min", "h"];
  if (seconds < 100) return `${Math.max(1, Math.round(seconds))} ${units[0]}`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} ${units[1]}`;
  return `${(seconds / 3600).toFixed(1)} ${units[2]}`;
}

/** A time of a clip: 3.25 s. */
export function seconds(time: number): string {
  return `${Number(time.toFixed(2))} ${t().second}`;
}

/** How long a clip is: what is short to a tenth. */
export function lasting(time: number): string {
  return time < 10 ? seconds(Number(time.toFixed(1))) : duration(time);
}

/** The browser's own kind of the language: days and hours are written otherwise in London than in New York. */
function locale(): string {
  return navigator.languages.find((each) => each.startsWith(language.value)) ?? language.value;
}

export function when(time: string): string {
  return new Date(time).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
}

/** A file's name as that of a picture: the_great-wave.jpg is the great wave. */
export function title(name: string): string {
  return (
    name
      .replace(/\.[a-z0-9]{2,5}$/i, "")
      .replace(/[_-]+/g, " ")
      .trim() || name
  );
}

/** A style that a network has learnt: by its name, or else by its number, which people count from one. */
export function learntStyle(name: string): string {
  return /^\d+$/.test(name) ? t().learntNumber(Number(name) + 1) : title(name);
}

/** The time of today, the day of what was before. */
export function shortly(time: string): string {
  const then = new Date(time);
  const today = then.toDateString() === new Date().toDateString();
  return then.toLocaleString(locale(), today ? { timeStyle: "short" } : { month: "short", day: "numeric" });
}

export function bytes(count: number): string {
  return count < 1e6 ? `${Math.round(count / 1e3)} kB` : `${Math.round(count / 1e6)} MB`;
}

/** As many digits as say something. */
export function number(value: number): string {
  return String(Number(value.toPrecision(3)));
}
