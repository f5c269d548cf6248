/** Comes in, asks for all there is, and then listens. */
import { api, Refused } from "../api/client";
import { listen } from "../api/events";
import { dispatch, state } from "../state/store";
import { attempt } from "./notices";

export async function enter(): Promise<void> {
  const token = /[#&]token=([^&]+)/.exec(location.hash)?.[1];
  if (token !== undefined) {
    // Out of the address bar and the browser's history: it opens the studio.
    history.replaceState(null, "", location.pathname + location.search);
    if (!(await opened(decodeURIComponent(token)))) return;
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
  try {
    dispatch({ type: "opened", session: await api.session() });
  } catch {
    dispatch({ type: "closed", wrong: false });
    return;
  }
  const stop = listen({
    opened: () => void refresh(),
    lost: () => void lost(),
    job: (job) => dispatch({ type: "job", job }),
    picture: (picture) => dispatch({ type: "picture", picture }),
    removed: ({ job, picture }) => {
      if (job !== undefined) dispatch({ type: "job-removed", id: job });
      if (picture !== undefined) dispatch({ type: "picture-removed", id: picture });
    },
  });
  state.subscribe((now) => now.access.kind === "closed" && stop());
}

/** The stream does not say why it ended: the server may be away, or not know this session any more. */
async function lost(): Promise<void> {
  dispatch({ type: "live", live: false });
  try {
    await api.session();
  } catch (error) {
    if (error instanceof Refused && error.status === 401) dispatch({ type: "closed", wrong: false });
  }
}

/** All anew: events may have been missed. */
async function refresh(): Promise<void> {
  await attempt(async () => {
    const [choices, jobs, photos, paintings] = await Promise.all([
      state.peek().choices ?? api.choices(),
      api.jobs(),
      api.pictures("photo"),
      api.pictures("painting"),
    ]);
    dispatch({ type: "choices", choices });
    dispatch({ type: "jobs", jobs });
    dispatch({ type: "pictures", pictures: [...photos, ...paintings] });
    dispatch({ type: "live", live: true });
  });
}
