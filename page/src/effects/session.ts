/** Comes in, asks for all there is, and then listens. */
import { api, Refused } from "../api/client";
import { listen } from "../api/events";
import { dispatch, state } from "../state/store";
import { attempt, sentence, tell } from "./notices";

const PATIENCE = 3000;
let again: ReturnType<typeof setTimeout> | undefined;
/** Ends listening. */
let stop = (): void => {};

export async function enter(): Promise<void> {
  const token = /[#&]token=([^&]+)/.exec(location.hash)?.[1];
  if (token !== undefined) {
    const came = await opened(decodeURIComponent(token));
    // Out of the address bar and the browser's history, for it opens the studio; but not before it has: whoever loads
    // the page again meanwhile would stand outside.
    history.replaceState(null, "", location.pathname + location.search);
    if (!came) return;
  }
  await begin();
}

/** Tries an address or a token that was typed. */
export async function enterWith(words: string): Promise<void> {
  const token = /token=([^&\s]+)/.exec(words)?.[1] ?? words.trim();
  if (await opened(token)) await begin();
}

async function opened(token: string): Promise<boolean> {
  try {
    await api.open(token);
    return true;
  } catch (error) {
    const refused = error instanceof Refused && (error.status === 401 || error.status === 403);
    if (!refused) await attempt(() => Promise.reject(error));
    dispatch({ type: "closed", wrong: refused });
    return false;
  }
}

async function begin(): Promise<void> {
  clearTimeout(again);
  try {
    dispatch({ type: "opened", session: await api.session() });
  } catch (error) {
    if (error instanceof Refused && error.status === 401) dispatch({ type: "closed", wrong: false });
    else {
      tell(sentence(error), "error");
      again = setTimeout(() => void begin(), PATIENCE);
    }
    return;
  }
  stop(); // Whoever enters twice listens once.
  stop = listen({
    opened: () => void refresh(),
    lost: () => void lost(),
    job: (job) => dispatch({ type: "job", job }),
    picture: (picture) => dispatch({ type: "picture", picture }),
    removed: ({ job, picture }) => {
      if (job !== undefined) dispatch({ type: "job-removed", id: job });
      if (picture !== undefined) dispatch({ type: "picture-removed", id: picture });
    },
  });
}

state.subscribe((now) => now.access.kind === "closed" && stop());

/** The stream does not say why it ended: the server may be away, or not know this session any more. */
async function lost(): Promise<void> {
  dispatch({ type: "live", live: false });
  try {
    await api.session();
  } catch (error) {
    if (error instanceof Refused && error.status === 401) dispatch({ type: "closed", wrong: false });
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
