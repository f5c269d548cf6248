/** The one place where the state changes: pure, so that every step can be told and tested. */
import type { Job, Picture } from "../api/types";
import type { Action } from "./actions";
import { reduceDraft, withoutLost } from "./draft";
import { type Draft, FITTED, NO_PREVIEW, type Stage, type State, type Tab } from "./model";
import { regionsOf } from "./regions";
import { withStrokesOf } from "./strokes";

const STEPS = ["waiting", "running", "cancelled", "failed", "done"];

export function reduce(state: State, action: Action): State {
  const next = reduced(state, action);
  // What was painted of another photo or clip is no preview of this one.
  return subject(next.draft) === subject(state.draft) ? next : { ...next, preview: NO_PREVIEW };
}

function subject({ texture, film, photo, clip }: Draft): string {
  return JSON.stringify(texture || [film, film ? clip : photo]);
}

function reduced(state: State, action: Action): State {
  const changed = reduceDraft(state.draft, action);
  const draft =
    action.type === "look" && state.choices !== null ? withStrokesOf(state.draft, changed, state.choices) : changed;
  const next = reducePage(draft === state.draft ? state : { ...state, draft }, action);
  // What was remembered, or was made once, may name pictures that are gone.
  if (action.type !== "pictures" && action.type !== "again") return next;
  const there = withoutLost(next.draft, next.pictures);
  // The part of a film whose clip is gone waits for it.
  const waits = action.type === "again" && action.request.task === "video";
  return { ...next, draft: waits ? { ...there, part: next.draft.part } : there };
}

function reducePage(state: State, action: Action): State {
  switch (action.type) {
    case "opened":
      return { ...state, access: { kind: "open", session: action.session } };
    case "closed":
      return { ...state, access: { kind: "closed", wrong: action.wrong } };
    case "live":
      return { ...state, live: action.live };
    case "choices":
      return { ...state, choices: action.choices };
    case "refreshing":
      return { ...state, told: [] };
    case "pictures":
      return { ...state, pictures: asTold(state.pictures, byId(action.pictures), state.told) };
    case "picture": {
      const { picture } = action;
      return { ...state, pictures: { ...state.pictures, [picture.id]: picture }, told: heard(state, picture.id) };
    }
    case "picture-removed":
      return {
        ...state,
        pictures: omitted(state.pictures, action.id),
        told: heard(state, action.id),
        dialog: dialogWithout(state.dialog, action.id),
      };
    case "jobs": {
      const jobs = asTold(state.jobs, byId(action.jobs), state.told);
      return { ...state, jobs, stage: stageAmong(state.stage, jobs) };
    }
    case "job":
      return withJob(state, action.job);
    case "job-removed": {
      const jobs = omitted(state.jobs, action.id);
      return {
        ...state,
        jobs,
        stage: stageAmong(state.stage, jobs),
        told: heard(state, action.id),
        dialog: dialogWithout(state.dialog, action.id),
        marked: state.marked?.filter((id) => id !== action.id) ?? null,
      };
    }
    case "still":
      return { ...state, still: action.id };
    case "asking":
      return { ...state, asking: action.asking };
    case "preview":
      return { ...state, preview: { ...state.preview, ...action.preview } };
    case "estimate":
      return { ...state, estimate: action.estimate };
    case "upload":
      return { ...state, uploads: [...state.uploads.filter(({ key }) => key !== action.upload.key), action.upload] };
    case "upload-ended":
      return { ...state, uploads: state.uploads.filter(({ key }) => key !== action.key) };
    case "photo":
    case "texture":
    case "clip":
      return { ...onDraft(state), painting: null, view: FITTED, tab: "style" };
    case "look":
      return { ...onDraft(state), fault: null };
    case "again":
      return { ...onDraft(state), fault: null, painting: null, tab: "settings" };
    case "region-added":
      return { ...onDraft(state), painting: action.region.key, tab: "style" };
    case "region-removed":
      return {
        ...state,
        painting: state.painting === action.key ? null : state.painting,
        dialog: dialogWithout(state.dialog, action.key),
      };
    case "paint-region":
      return {
        ...onDraft(state),
        painting: regionsOf(state.draft).some((each) => each.key === action.key) ? action.key : null,
        // Its painting is chosen there; and afterwards the next one here.
        tab: action.key === null ? "settings" : "style",
      };
    case "brush":
      return { ...state, brush: { ...state.brush, ...action.brush } };
    case "stage":
      return {
        ...state,
        stage: action.stage,
        painting: null,
        tab: tabFor(action.stage) ?? state.tab,
        view: sameSubject(state.stage, action.stage) ? state.view : FITTED,
      };
    case "view":
      return { ...state, view: action.view };
    case "split":
      return { ...state, split: action.split };
    case "notice":
      return {
        ...state,
        notices: [...state.notices.filter(({ text }) => text !== action.notice.text), action.notice].slice(-4),
      };
    case "notice-read":
      return { ...state, notices: state.notices.filter(({ key }) => key !== action.key) };
    case "fault":
      return { ...state, fault: action.fault };
    case "setting":
    case "settings-reset":
    case "recipe":
    case "part":
      return { ...onDraft(state), fault: null };
    case "dialog":
      // Whoever is asked about what is marked comes back to it.
      return { ...state, dialog: action.dialog, marked: marking(action.dialog) ? state.marked : null };
    case "marked":
      return { ...state, marked: action.ids };
    case "saving":
      return { ...state, saving: action.saving };
    case "tab":
      return { ...state, tab: action.tab };
    case "language":
      return { ...state, tastes: { ...state.tastes, language: action.language } };
    case "theme":
      return { ...state, tastes: { ...state.tastes, theme: action.theme } };
    default:
      return state;
  }
}

/** Whoever changes the draft wants to see it. */
function onDraft(state: State): State {
  return state.stage.show === "draft" ? state : { ...state, stage: { show: "draft" }, view: FITTED };
}

function withJob(state: State, job: Job): State {
  const known = state.jobs[job.id];
  if (known !== undefined && isOlder(job, known)) return state;
  const still = state.still === job.id && step(job) !== step(known) ? null : state.still;
  return { ...state, still, jobs: { ...state.jobs, [job.id]: job }, told: heard(state, job.id) };
}

/** What is another with every step of a job. */
export function step(job: Job | undefined): string {
  return job === undefined ? "" : [job.id, job.state, job.progress?.share, job.progress?.iteration].join(" ");
}

/** Nobody is asked about what is gone. */
function dialogWithout(dialog: State["dialog"], id: string): State["dialog"] {
  if (dialog === null || typeof dialog !== "object") return dialog;
  if (dialog.kind !== "jobs") return dialog.id === id ? null : dialog;
  const ids = dialog.ids.filter((each) => each !== id);
  return ids.length === 0 ? "history" : { ...dialog, ids };
}

function marking(dialog: State["dialog"]): boolean {
  return dialog === "history" || (dialog !== null && typeof dialog === "object" && dialog.kind === "jobs");
}

function heard({ told }: State, id: string): readonly string[] {
  return told.includes(id) ? told : [...told, id];
}

/** All as they were when they were asked for, but what was told of since as it was told. */
function asTold<T extends Job | Picture>(
  known: Readonly<Record<string, T>>,
  all: Readonly<Record<string, T>>,
  told: readonly string[],
): Record<string, T> {
  const newer = told.filter((id) => id in known).map((id) => [id, known[id]] as const);
  const others = Object.entries(all).filter(([id]) => !told.includes(id));
  return Object.fromEntries([...others, ...newer]) as Record<string, T>;
}

/** The answer to a request and the stream may cross: what is further on counts. */
function isOlder(job: Job, known: Job): boolean {
  const [before, now] = [STEPS.indexOf(known.state), STEPS.indexOf(job.state)];
  return now < before || (now === before && job.revision < known.revision);
}

/** The part below the stage where the next thing is to be done. */
function tabFor(stage: Stage): Tab | null {
  if (stage.show === "draft") return null;
  return stage.show === "pair" && stage.other === null ? "results" : "settings";
}

function stageAmong(stage: Stage, jobs: State["jobs"]): Stage {
  if (stage.show === "draft") return stage;
  if (jobs[stage.job] === undefined) return { show: "draft" };
  if (stage.show === "pair" && stage.other !== null && jobs[stage.other] === undefined)
    return { ...stage, other: null };
  return stage;
}

/** From one snapshot to another, or to a second picture beside it, the eye stays where it is. */
function sameSubject(before: Stage, after: Stage): boolean {
  return before.show !== "draft" && after.show !== "draft" && before.job === after.job;
}

function byId<T extends { readonly id: string }>(all: readonly T[]): Record<string, T> {
  return Object.fromEntries(all.map((each) => [each.id, each]));
}

function omitted<T>(record: Readonly<Record<string, T>>, id: string): Record<string, T> {
  const { [id]: _, ...others } = record;
  return others;
}
