/** What a reload must not lose, kept in the browser: ids and numbers, no pictures. */
import { effect } from "@preact/signals";
import type { Draft, Region, State } from "../state/model";
import { EMPTY_DRAFT } from "../state/model";
import { dispatch, select } from "../state/store";
import { preferred } from "../text";

const DRAFT = "impasto-draft";
const TASTES = "impasto-tastes";
const STAGE = "impasto-stage";

export function recall(): void {
  const tastes = read<State["tastes"]>(TASTES);
  dispatch({ type: "language", language: tastes?.language ?? preferred(navigator.languages) });
  dispatch({ type: "theme", theme: tastes?.theme ?? "auto" });
  const draft = read<Draft>(DRAFT);
  if (draft !== null) dispatch({ type: "remembered", draft: { ...EMPTY_DRAFT, ...draft } });
  const stage = read<State["stage"]>(STAGE);
  if (stage !== null) dispatch({ type: "stage", stage });
}

export function remember(): void {
  const draft = select((s) => s.draft);
  const tastes = select((s) => s.tastes);
  const stage = select((s) => s.stage);
  effect(() => write(DRAFT, withoutStrokes(draft.value)));
  effect(() => write(TASTES, tastes.value));
  effect(() => write(STAGE, stage.value));
}

/** Strokes are on the server, as the region's mask. */
export function withoutStrokes(draft: Draft): Draft {
  const kept = ({ mask, base, ...region }: Region): Region => ({
    ...region,
    mask: mask ?? base,
    base: mask ?? base,
    strokes: [],
    undone: [],
  });
  const regions = Object.entries(draft.regions).map(([photo, all]) => [photo, all.map(kept)] as const);
  return { ...draft, regions: Object.fromEntries(regions) };
}

function read<T>(key: string): T | null {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null; // Written by another version, or the browser keeps nothing.
  }
}

function write(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // The browser keeps nothing: then a reload starts anew.
  }
}
