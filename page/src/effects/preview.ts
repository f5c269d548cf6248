/**
 * Keeps the preview what the draft asks for. A small picture comes at once, also while a dial moves, and the sharp
 * one when it rests. Newest wins, and what was seen before is shown again without asking.
 */
import { computed, effect } from "@preact/signals";
import { api, mayPass, Refused } from "../api/client";
import { NO_PREVIEW } from "../state/model";
import { atHalf, PREVIEW_SIZE, sameHand, type Wanted, wantedPreviews } from "../state/preview";
import { choices, draft, ownSide } from "../state/selectors";
import { dispatch, select, state } from "../state/store";
import { sentence } from "./notices";
import { PAGE } from "./page";

/** Milliseconds until a dial is taken to rest. */
const REST = 150;
/** Where the sharp picture is there in so many milliseconds, no small one is needed before it. */
const QUICK = 120;
const KEPT = 64;
/** Milliseconds until what failed, and may not another time, is asked for again; then twice as many. */
const AGAIN = 5000;

/** Addresses of pictures by what was asked for, the newest last. */
const seen = new Map<string, string>();
/** What is on its way, by region: one at a time, for the server has one hand. */
const asked = new Map<string, { wanted: Wanted; abort: AbortController }>();
let quick = false;
/** When the draft last changed. */
let moved = 0;
let resting: ReturnType<typeof setTimeout> | undefined;
let failures = 0;

const wanted = computed(() =>
  choices.value === null ? {} : wantedPreviews(draft.value, choices.value, ownSide.value),
);

export function keepPreview(): void {
  const open = select((s) => s.access.kind === "open");
  const live = select((s) => s.live);
  effect(() => {
    const all = wanted.value;
    live.value; // What failed while the server was away is asked for again when it is back.
    if (!open.value) return;
    moved = performance.now();
    failures = 0;
    for (const [key, { abort }] of asked) if (!(key in all)) abort.abort();
    proceed();
  });
}

/** Shows the best that there is, if that is some of everything, and asks for what comes next. */
function proceed(): void {
  clearTimeout(resting);
  const all = Object.entries(wanted.peek());
  if (all.length === 0) {
    dispatch({ type: "preview", preview: NO_PREVIEW });
    return;
  }
  const best = all.map(([key, each]) => [key, recalled(words(each)) ?? recalled(words(atHalf(each)))] as const);
  const layers = Object.fromEntries(best.filter((pair): pair is [string, string] => pair[1] !== undefined));
  const lacking = all.filter(([, each]) => !seen.has(words(each)));
  const now = lacking.length === 0 ? "shown" : "busy";
  if (Object.keys(layers).length === all.length)
    dispatch({ type: "preview", preview: { state: now, layers, error: null } });
  else dispatch({ type: "preview", preview: { state: now, error: null } });
  const unseen = quick ? [] : lacking.filter(([key]) => !(key in layers));
  for (const [key, each] of unseen) ask(key, atHalf(each));
  if (unseen.length > 0) return;
  const sharpen = () => {
    for (const [key, each] of lacking) ask(key, each);
  };
  // The small one has taken some of that time already.
  resting = setTimeout(sharpen, quick ? 0 : Math.max(0, moved + REST - performance.now()));
}

function ask(key: string, each: Wanted): void {
  const last = asked.get(key);
  // What a dial has just passed is almost there, and worth seeing; all else is in the way.
  if (last !== undefined && last.wanted.size === each.size && sameHand(last.wanted, each)) return;
  last?.abort.abort();
  void fetched(key, each);
}

async function fetched(key: string, each: Wanted): Promise<void> {
  const [abort, began] = [new AbortController(), performance.now()];
  asked.set(key, { wanted: each, abort });
  let failed: unknown = null;
  try {
    const address = URL.createObjectURL(await api.preview({ ...each, page: `${PAGE}-${key}` }, abort.signal));
    if (each.size === PREVIEW_SIZE) quick = performance.now() - began < QUICK;
    keep(words(each), address);
    const now = wanted.peek()[key];
    if (now !== undefined && sameHand(now, each))
      dispatch({ type: "preview", preview: { layers: { ...state.peek().preview.layers, [key]: address } } });
  } catch (error) {
    if (abort.signal.aborted || (error instanceof Refused && error.status === 409)) return;
    failed = error;
  } finally {
    if (asked.get(key)?.abort === abort) asked.delete(key);
  }
  const now = wanted.peek()[key];
  if (failed === null) {
    failures = 0;
    proceed();
  } else if (now !== undefined && each.size !== PREVIEW_SIZE)
    ask(key, now); // It may be too small to be painted.
  else {
    dispatch({ type: "preview", preview: { state: "failed", layers: {}, error: sentence(failed) } });
    clearTimeout(resting);
    if (mayPass(failed)) resting = setTimeout(proceed, AGAIN * 2 ** failures++);
  }
}

function words(each: Wanted): string {
  return JSON.stringify(each);
}

/** What is shown is not the oldest: that goes when there is too much. */
function recalled(what: string): string | undefined {
  const address = seen.get(what);
  if (address !== undefined && seen.delete(what)) seen.set(what, address);
  return address;
}

function keep(what: string, address: string): void {
  seen.set(what, address);
  const [oldest] = seen.entries();
  if (seen.size > KEPT && oldest !== undefined) {
    seen.delete(oldest[0]);
    URL.revokeObjectURL(oldest[1]);
  }
}
