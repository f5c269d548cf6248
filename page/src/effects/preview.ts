/** Keeps the preview what the draft asks for: newest wins, and what was seen before is shown again at once. */
import { computed, effect } from "@preact/signals";
import { api, Refused } from "../api/client";
import { NO_PREVIEW } from "../state/model";
import { type Wanted, wantedPreviews } from "../state/preview";
import { choices, draft } from "../state/selectors";
import { dispatch, select } from "../state/store";
import { sentence } from "./notices";

const PAGE = crypto.getRandomValues(new Uint32Array(2)).join("-");
const REST = 60;
const KEPT = 32;

/** Addresses of pictures by what was asked for, the newest last. */
const seen = new Map<string, string>();
const asked = new Map<string, { words: string; abort: AbortController }>();

const wanted = computed(() => (choices.value === null ? {} : wantedPreviews(draft.value, choices.value)));

export function keepPreview(): void {
  const open = select((s) => s.access.kind === "open");
  let resting: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    const all = wanted.value;
    if (!open.value) return;
    clearTimeout(resting);
    if (Object.keys(all).length === 0) dispatch({ type: "preview", preview: NO_PREVIEW });
    else if (!show(all)) resting = setTimeout(() => ask(all), REST);
  });
}

/** Shows what there is of it; whether that is all. */
function show(all: Record<string, Wanted>): boolean {
  const found = Object.entries(all).map(([key, each]) => [key, seen.get(JSON.stringify(each))] as const);
  const whole = found.every(([, address]) => address !== undefined);
  const layers = Object.fromEntries(found.filter((pair): pair is [string, string] => pair[1] !== undefined));
  if (whole) dispatch({ type: "preview", preview: { state: "shown", layers, error: null } });
  else dispatch({ type: "preview", preview: { state: "busy", error: null } });
  return whole;
}

function ask(all: Record<string, Wanted>): void {
  for (const [key, { abort }] of asked) if (!(key in all)) abort.abort();
  for (const [key, each] of Object.entries(all)) {
    const words = JSON.stringify(each);
    const last = asked.get(key);
    if (!seen.has(words) && last?.words !== words) {
      last?.abort.abort();
      void fetched(key, each, words);
    }
  }
}

async function fetched(key: string, each: Wanted, words: string): Promise<void> {
  const abort = new AbortController();
  asked.set(key, { words, abort });
  try {
    const picture = await api.preview({ ...each, page: `${PAGE}-${key}` }, abort.signal);
    keep(words, URL.createObjectURL(picture));
    show(wanted.value);
  } catch (error) {
    const overtaken = abort.signal.aborted || (error instanceof Refused && error.status === 409);
    if (!overtaken) dispatch({ type: "preview", preview: { state: "failed", error: sentence(error) } });
  } finally {
    if (asked.get(key)?.abort === abort) asked.delete(key);
  }
}

function keep(words: string, address: string): void {
  seen.set(words, address);
  const [oldest] = seen.entries();
  if (seen.size > KEPT && oldest !== undefined) {
    seen.delete(oldest[0]);
    URL.revokeObjectURL(oldest[1]);
  }
}
