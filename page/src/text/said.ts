/** What the server says, in the language of the page: it speaks English, in sentences that are known here. */
import { language } from "../state/selectors";
import sentences from "./sentences.zh.json";

const HOLE = "{}";
const known = Object.entries(sentences).map(([english, chinese]) => [pattern(english), chinese] as const);

/** The sentence itself where it is not known, or the page is in English. */
export function said(sentence: string): string {
  return language.value === "zh" ? inChinese(sentence) : sentence;
}

export function inChinese(sentence: string): string {
  for (const [english, chinese] of known) {
    const parts = english.exec(sentence)?.slice(1).map(inChinese);
    if (parts !== undefined) {
      const words = chinese.split(HOLE).reduce((before, next, at) => before + (parts[at - 1] ?? "") + next);
      return words.replaceAll("  ", ""); // what surrounded a name that could not be told
    }
  }
  return sentence;
}

function pattern(english: string): RegExp {
  const literal = english.split(HOLE).map((words) => words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  // A name that could not be told leaves a gap with the blank before it.
  return new RegExp(`^${literal.join("(.*?)").replaceAll(" (.*?)", " ?(.*?)")}$`, "s");
}
