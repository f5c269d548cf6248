/** One dial for the size of strokes: each method has a setting of its own for it. */
import type { Choices, Value } from "../api/types";
import { valueFor, wayOf } from "./applies";
import type { Draft } from "./model";

/** The long side at which the fast method paints, unless `size` says so. */
const FAST_SIZE = 1024;

/** 1 is the painting's own; less is finer, more is broader. `own` is the long side of what is painted. */
export function strokeScale(draft: Draft, choices: Choices, own = FAST_SIZE): number {
  const [name] = strokeSetting(draft, choices, 1);
  const value = valueFor(name, draft, choices);
  if (name === "stroke_size") return value ? sizeOf(draft, choices, own) / Number(value) : 1;
  return Number(Array.isArray(value) ? value[0] : value) || 1;
}

/** The setting that makes strokes so large, and its value; undefined for the recipe's own. */
export function strokeSetting(
  draft: Draft,
  choices: Choices,
  scale: number,
  own = FAST_SIZE,
): [name: string, value: Value | undefined] {
  const usual = Math.abs(scale - 1) < 0.01;
  const way = wayOf(draft, choices);
  if (way !== "fast" && way !== "video") return ["style_scale", usual ? undefined : String(Number(scale.toFixed(2)))];
  return ["stroke_size", usual ? undefined : Math.round(sizeOf(draft, choices, own) / scale)];
}

/** A draft with another look, its strokes as fine as they were made, whichever setting that now is. */
export function withStrokesOf(before: Draft, draft: Draft, choices: Choices): Draft {
  const [was] = strokeSetting(before, choices, 1);
  const [name, value] = strokeSetting(draft, choices, strokeScale(before, choices));
  if (name === was) return draft;
  const { [name]: _, ...others } = draft.settings;
  return { ...draft, settings: value === undefined ? others : { ...others, [name]: value } };
}

function sizeOf(draft: Draft, choices: Choices, own: number): number {
  return Number(valueFor("size", draft, choices)) || own;
}
