/** What follows from the state, for more than one part of the page. */
import { computed } from "@preact/signals";
import type { Job, Picture } from "../api/types";
import { lacks } from "./applies";
import { regionsOf } from "./regions";
import { select } from "./store";

export const language = select((s) => s.tastes.language);
export const choices = select((s) => s.choices);
export const draft = select((s) => s.draft);
export const stage = select((s) => s.stage);
export const regions = select((s) => regionsOf(s.draft));
export const editing = select((s) => s.painting);

const allPictures = select((s) => s.pictures);
const allJobs = select((s) => s.jobs);

/** The photo that is painted, or of a clip its first frame. */
export const photo = computed(() => {
  const { texture, film, photo, clip } = draft.value;
  return texture ? null : pictureOf(film ? clip : photo);
});
/** The long side that a film has where none is named. */
export const ownSide = computed(() =>
  draft.value.film && photo.value ? Math.max(photo.value.width, photo.value.height) : undefined,
);
/** Whether regions can be added: of a photo, and not to learnt styles. */
export const takesRegions = computed(
  () => photo.value !== null && !draft.value.film && draft.value.look.network === null,
);
export const photos = computed(() => ofKind("photo"));
export const clips = computed(() => ofKind("clip"));
export const paintings = computed(() => ofKind("painting"));
export const jobs = computed(() => newest(Object.values(allJobs.value)));

/** Why nothing can be painted yet. */
export const lack = computed(() => lacks(draft.value, choices.value));

/** What is being painted, and then what waits, in turn. */
export const queue = computed(() => jobs.value.filter(isUnderWay).sort((a, b) => place(a) - place(b)));

/** The job on the stage. */
export const shown = computed(() => (stage.value.show === "draft" ? null : jobOf(stage.value.job)));

export function pictureOf(id: string | null): Picture | null {
  return (id !== null && allPictures.value[id]) || null;
}

/** What the draft's paintings, or its learnt styles, are called; empty where there are none. */
export const lookNames = computed(() => {
  const { network, mix } = draft.value.look;
  return mix.map(({ id }) => (network === null ? (pictureOf(id)?.name ?? id) : id));
});

export function jobOf(id: string | null): Job | null {
  return (id !== null && allJobs.value[id]) || null;
}

/** What asks for a job from the beginning: what went on for some iterations more has as many as the first of its row. */
export function askedAnew(job: Job): Job["request"] {
  if (job.from === null) return job.request;
  let first: Job | null = job;
  while (first !== null && first.from !== null) first = jobOf(first.from);
  const { iterations: _more, ...settings } = job.request.settings;
  const own = first?.request.settings.iterations;
  return { ...job.request, settings: own === undefined ? settings : { ...settings, iterations: own } };
}

/** What a job was made of: its photo, or its clip. */
export function subjectOf({ request }: Job): Picture | null {
  return pictureOf(request.clip ?? request.photo);
}

export function isUnderWay(job: Job): boolean {
  return job.state === "waiting" || job.state === "running";
}

/** How many results were made of a picture, and of a clip how many films. */
export function madeOf(picture: string): number {
  return jobs.value.filter(({ request: { photo, clip, styles, regions } }) =>
    [photo, clip, ...styles.map(({ painting }) => painting), ...regions.map(({ painting }) => painting)].includes(
      picture,
    ),
  ).length;
}

function place(job: Job): number {
  return job.state === "running" ? -1 : (job.position ?? 0);
}

function ofKind(kind: Picture["kind"]): readonly Picture[] {
  return newest(Object.values(allPictures.value).filter((picture) => picture.kind === kind));
}

function newest<T extends { readonly created: string }>(all: readonly T[]): T[] {
  return [...all].sort((a, b) => b.created.localeCompare(a.created));
}
