/** Comes in, asks for all there is, and then listens. */
import { api, mayPass, Refused } from "../api/client";
import { listen } from "../api/events";
import type { Session } from "../api/types";
import { dispatch, state } from "../state/store";
import { attempt, sentence, tell } from "./notices";

const PATIENCE = 3000;
let again: ReturnType<typeof setTimeout> | undefined;
/** Ends listening. */
let stop = (): void => {};

export const enter = (): Promise<void> => begin(tokenIn(location.hash));

/** Tries an address or a token that was typed. */
export const enterWith = (words: string): Promise<void> => begin(tokenIn(words) ?? words.trim());

function tokenIn(address: string): string | undefined {
  const written = /\btoken=([^&\s]+)/.exec(address)?.[1];
  try {
    return written && decodeURIComponent(written);
  } catch {
    return written; // Put together by hand, with a percent sign in it.
  }
}

async function begin(token?: string): Promise<void> {
  clearTimeout(again);
  let session: Session | null = null;
  try {
    session = await admitted(token);
  } catch (error) {
    if (mayPass(error)) {
      tell(sentence(error), "error");
      again = setTimeout(() => void begin(token), PATIENCE);
      return;
    }
  }
  // Out of the address bar and the browser's history, for it opens the studio; but not before it has: whoever loads
  // the page again meanwhile would stand outside.
  if (token !== undefined) history.replaceState(null, "", location.pathname + location.search);
  if (session === null) return dispatch({ type: "closed", wrong: token !== undefined });
  dispatch({ type: "opened", session });
  stop(); // Whoever enters twice listens once.
  stop = listen({
    opened: () => void refresh(),
    lost: (refused) => void lost(refused),
    job: (job) => dispatch({ type: "job", job }),
    picture: (picture) => dispatch({ type: "picture", picture }),
    removed: ({ job, picture }) => {
      if (job !== undefined) dispatch({ type: "job-removed", id: job });
      if (picture !== undefined) dispatch({ type: "picture-removed", id: picture });
    },
  });
}

/** By a token, or by the session that there is: an old link shuts nobody out who has one. */
async function admitted(token?: string): Promise<Session> {
  try {
    if (token !== undefined) await api.open(token);
  } catch (error) {
    if (!isRefused(error)) throw error;
  }
  return api.session();
}

const isRefused = (error: unknown): boolean => error instanceof Refused && error.status === 401;

state.subscribe((now) => now.access.kind === "closed" && stop());

/** The stream does not say why: the server may be away, not know this session any more, or have no room for a page. */
async function lost(refused: boolean): Promise<void> {
  if (!refused) dispatch({ type: "live", live: false });
  try {
    await (refused ? api.listened() : api.session());
  } catch (error) {
    if (isRefused(error)) dispatch({ type: "closed", wrong: false });
    else if (error instanceof Refused && error.status === 429) tell(sentence(error), "error");
    else dispatch({ type: "live", live: false });
  }
}

/**
 * All anew: events may have been missed. Each is shown when it comes: what can be chosen is told once the server has
 * its networks loaded, and pictures do not wait for that.
 */
async function refresh(): Promise<void> {
  clearTimeout(again);
  dispatch({ type: "refreshing" });
  const choices = async () => state.peek().choices ?? dispatch({ type: "choices", choices: await api.choices() });
  const jobs = async () => dispatch({ type: "jobs", jobs: await api.jobs() });
  const pictures = async () => {
    const kinds = await Promise.all((["photo", "painting", "clip"] as const).map(api.pictures));
    dispatch({ type: "pictures", pictures: kinds.flat() });
  };
  const done = await attempt(() => Promise.all([choices(), jobs(), pictures()]));
  if (done !== null) dispatch({ type: "live", live: true });
  else if (state.peek().access.kind === "open") again = setTimeout(() => void refresh(), PATIENCE);
}
