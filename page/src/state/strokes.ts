/** One dial for the size of strokes: each method has a setting of its own for it. */
import type { Choices, Value } from "../api/types";
import { valueFor, wayOf } from "./applies";
import type { Draft } from "./model";

/** The long side at which the fast method paints, unless `size` says so. */
const FAST_SIZE = 1024;

/** 1 is the painting's own; less is finer, more is broader. */
export function strokeScale(draft: Draft, choices: Choices): number {
  const [name] = strokeSetting(draft, choices, 1);
  const value = valueFor(name, draft, choices);
  if (name === "stroke_size") return value ? sizeOf(draft, choices) / Number(value) : 1;
  return Number(Array.isArray(value) ? value[0] : value) || 1;
}

/** The setting that makes strokes so large, and its value; undefined for the recipe's own. */
export function strokeSetting(draft: Draft, choices: Choices, scale: number): [name: string, value: Value | undefined] {
  const own = Math.abs(scale - 1) < 0.01;
  if (wayOf(draft, choices) !== "fast") return ["style_scale", own ? undefined : String(Number(scale.toFixed(2)))];
  return ["stroke_size", own ? undefined : Math.round(sizeOf(draft, choices) / scale)];
}

function sizeOf(draft: Draft, choices: Choices): number {
  return Number(valueFor("size", draft, choices)) || FAST_SIZE;
}
