/** What the user can have done that the server takes part in. */
import { api, Refused } from "../api/client";
import type { Job } from "../api/types";
import { type Sent, upload } from "../api/upload";
import { requestOf } from "../state/applies";
import { lack, stage } from "../state/selectors";
import { dispatch, state } from "../state/store";
import { bytes, t } from "../text";
import { said } from "../text/said";
import { attempt, tell } from "./notices";

let uploads = 0;
/** Files on their way: the server takes six of a visitor, and a browser may have no bound (over HTTP/2). */
const AT_ONCE = 3;

/** What a file may be taken in as. */
export type Purpose = "photo" | "painting" | "clip";

/** Takes files in: the first photo or clip, or every painting, becomes part of the draft. */
export async function addFiles(files: Iterable<File>, purpose: Purpose): Promise<void> {
  const all = [...files];
  const clips = all.filter(({ type }) => type.startsWith("video/"));
  if (purpose !== "clip" && clips.length > 0) {
    // What comes with a clip is what it is to be painted like.
    await addFiles(clips, "clip");
    return addFiles(
      all.filter((file) => !clips.includes(file)),
      "painting",
    );
  }
  // It is for the region that is chosen now, whatever is by the time that it has arrived.
  const region = state.peek().painting;
  const sent: Sent[] = [];
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const arrived = await Promise.all(all.slice(at, at + AT_ONCE).map((file) => send(file, purpose)));
    sent.push(...arrived.filter((each) => each !== null));
  }
  const made = sent.find(({ picture }) => picture.restored !== null);
  if (made?.picture.restored) {
    const { job, missing } = made.picture.restored;
    dispatch({ type: "again", request: job });
    tell(missing.length === 0 ? t().restored : t().restoredMissing(missing.join(", ")));
    // It has brought what it was to bring, and is no photo.
    if (missing.length === 0 && made.fresh) await removePicture(made.picture.id);
    return;
  }
  const pictures = sent.map(({ picture }) => picture);
  const first = pictures[0];
  if (first === undefined) return;
  if (purpose === "clip") dispatch({ type: "clip", id: first.id });
  else if (purpose === "photo") dispatch({ type: "photo", id: first.id });
  else choosePainting(first.id, false, region);
}

async function send(file: File, kind: Purpose): Promise<Sent | null> {
  const { access } = state.value;
  const most = access.kind !== "open" ? Infinity : access.session[kind === "clip" ? "max_clip" : "max_upload"];
  if (file.size > most) {
    tell(`${file.name}: ${t().tooLarge(bytes(most))}`, "error");
    return null;
  }
  const key = `upload-${++uploads}`;
  const progress = (share: number) => dispatch({ type: "upload", upload: { key, name: file.name, share } });
  progress(0);
  const sent = await attempt(() => upload(file, kind, file.name, progress), file.name);
  dispatch({ type: "upload-ended", key });
  if (sent !== null) dispatch({ type: "picture", picture: sent.picture });
  return sent;
}

/** For the region whose mask is being painted, or else for the whole. */
export function choosePainting(id: string, mixing = false, region = state.peek().painting): void {
  if (region !== null) dispatch({ type: "region-painting", key: region, painting: id });
  else dispatch({ type: "look", id, network: null, mixing });
}

export async function paint(): Promise<void> {
  const { draft, choices } = state.peek();
  if (choices === null || lack.peek() !== null) return; // The button says why.
  await ask(() =>
    api.paint(requestOf(draft, choices)).catch((error: unknown) => {
      if (error instanceof Refused && error.setting !== null) {
        dispatch({ type: "fault", fault: { setting: error.setting, text: said(error.message) } });
      }
      throw error;
    }),
  );
}

export const goOn = (job: Job, iterations: number) => ask(() => api.goOn(job.id, iterations));

/** For one job at a time: whoever clicks twice wants one picture. */
async function ask(sent: () => Promise<Job>): Promise<void> {
  if (state.peek().asking) return;
  dispatch({ type: "asking", asking: true });
  const job = await attempt(sent);
  dispatch({ type: "asking", asking: false });
  if (job === null) return;
  dispatch({ type: "job", job });
  dispatch({ type: "stage", stage: { show: "job", job: job.id, snapshot: null } });
}

/** Of one that has never run, nothing is left to keep. */
export async function cancel({ id }: Job): Promise<Job | null> {
  const job = await attempt(() => api.cancel(id));
  if (job?.state === "cancelled" && job.started === null) await removeJob(id);
  return job;
}

export const move = (job: Job, position: number) => attempt(() => api.move(job.id, position));

export async function removeJob(id: string): Promise<void> {
  if ((await attempt(() => api.removeJob(id))) !== null) dispatch({ type: "job-removed", id });
}

/** One after the other, and told once. */
export async function removeJobs(ids: readonly string[]): Promise<void> {
  let removed = 0;
  for (const id of ids) {
    if ((await attempt(() => api.removeJob(id))) === null) continue;
    dispatch({ type: "job-removed", id });
    removed++;
  }
  if (removed > 0) tell(t().removedCount(removed));
}

export async function removePicture(id: string): Promise<void> {
  if ((await attempt(() => api.removePicture(id))) !== null) dispatch({ type: "picture-removed", id });
}

/** A result was chosen: it comes onto the stage, or beside what is there. */
export function showJob(job: Job): void {
  const on = stage.value;
  if (on.show === "pair" && on.other === null && on.job !== job.id) {
    dispatch({ type: "stage", stage: { ...on, other: job.id } });
  } else {
    dispatch({ type: "stage", stage: { show: "job", job: job.id, snapshot: null } });
  }
  dispatch({ type: "dialog", dialog: null });
}
