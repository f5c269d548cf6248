/** Keeps what a film of the draft would cost what the server says of it: asked for when all dials rest. */
import { computed, effect } from "@preact/signals";
import { api, Refused } from "../api/client";
import type { JobRequest } from "../api/types";
import { requestOf } from "../state/applies";
import { NO_ESTIMATE } from "../state/model";
import { choices, draft, lack } from "../state/selectors";
import { dispatch, select, state } from "../state/store";
import { sentence } from "./notices";
import { PAGE } from "./page";

const REST = 700;
/** How long the first pause is, when too many pages ask at once; each is twice as long as the one before. */
const TRY_AGAIN = 2000;
const LONGEST = 60_000;

/** What it depends on: how strong the style is, it does not. */
const wanted = computed(() => {
  if (choices.value === null || !draft.value.film || lack.value !== null) return null;
  const { strength: _, ...settings } = draft.value.settings;
  return JSON.stringify(requestOf({ ...draft.value, settings }, choices.value));
});
const open = select((s) => s.access.kind === "open" && s.live);
/** Previews come first. */
const busy = select((s) => s.preview.state === "busy");

export function keepEstimate(): void {
  let known: string | null = null;
  let asked = new AbortController();
  let resting: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    const now = wanted.value;
    if (now === known && state.peek().estimate.state !== "failed") return;
    asked.abort();
    clearTimeout(resting);
    known = null;
    dispatch({ type: "estimate", estimate: now === null ? NO_ESTIMATE : { ...NO_ESTIMATE, state: "busy" } });
    if (now === null || busy.value || !open.value) return;
    asked = new AbortController();
    const { signal } = asked;
    resting = setTimeout(() => {
      known = now;
      void estimated(JSON.parse(now), signal);
    }, REST);
  });
}

async function estimated(request: JobRequest, signal: AbortSignal, pause = TRY_AGAIN): Promise<void> {
  try {
    const value = await api.estimate({ ...request, page: PAGE }, signal);
    if (!signal.aborted) dispatch({ type: "estimate", estimate: { state: "known", value, error: null } });
  } catch (error) {
    if (signal.aborted) return;
    const later = Math.min(2 * pause, LONGEST);
    if (error instanceof Refused && error.status === 429)
      setTimeout(() => signal.aborted || void estimated(request, signal, later), pause);
    else dispatch({ type: "estimate", estimate: { state: "failed", value: null, error: sentence(error) } });
  }
}
