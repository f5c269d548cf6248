/** Everything that the page knows, as plain values. */
import type { Choices, Estimate, Job, Picture, Session, Value } from "../api/types";

export interface State {
  readonly access: Access;
  /** False when the stream of events was lost: what is shown may be old. */
  readonly live: boolean;
  readonly choices: Choices | null;
  readonly pictures: Readonly<Record<string, Picture>>;
  readonly jobs: Readonly<Record<string, Job>>;
  /** Pictures and jobs that were told of since all were last asked for, by their ids. */
  readonly told: readonly string[];
  /** A running job that has told nothing new for a while: what it said of the time left is old. */
  readonly still: string | null;
  /** A job is on its way to the server. */
  readonly asking: boolean;
  readonly draft: Draft;
  readonly preview: Preview;
  readonly estimate: Estimated;
  readonly stage: Stage;
  readonly view: View;
  /** Where the slider between before and after stands, 0 to 1; null where it is off. */
  readonly split: number | null;
  /** The region whose mask is being painted, and with what. */
  readonly painting: string | null;
  readonly brush: Brush;
  readonly uploads: readonly Upload[];
  readonly notices: readonly Notice[];
  /** The setting that the server refused, and why. */
  readonly fault: Fault | null;
  readonly dialog: "help" | "history" | Doomed | null;
  /** The results that are marked, to do something with all of them; null while none is to be marked. */
  readonly marked: readonly string[] | null;
  /** How many of so many results have been downloaded. */
  readonly saving: Saving | null;
  /** Which part a narrow screen shows below the stage. */
  readonly tab: Tab;
  readonly tastes: Tastes;
}

export type Access =
  | { readonly kind: "asking" }
  | { readonly kind: "closed"; readonly wrong: boolean }
  | { readonly kind: "open"; readonly session: Session };

/** What the next picture is to be. */
export interface Draft {
  readonly photo: string | null;
  /** A texture of the paintings, and no photo: what was chosen of that waits. */
  readonly texture: boolean;
  /** A film of the clip, and no photo. */
  readonly film: boolean;
  readonly clip: string | null;
  /** What of the clip becomes the film; null for all of it. */
  readonly part: Part | null;
  readonly look: Look;
  readonly recipe: string;
  /** Only those that were changed: what is not here is the recipe's. */
  readonly settings: Readonly<Record<string, Value>>;
  /** By photo: a region belongs to the photo that it was painted on. */
  readonly regions: Readonly<Record<string, readonly Region[]>>;
}

/** From a time of the clip, in seconds, to another; null where that is the clip's own. */
export interface Part {
  readonly start: number | null;
  readonly end: number | null;
}

/** Paintings by their ids, or styles that a network has learnt, by their names. */
export interface Look {
  /** The network whose learnt styles they are; null for paintings. */
  readonly network: string | null;
  readonly mix: readonly Share[];
}

export interface Share {
  readonly id: string;
  readonly weight: number;
}

export interface Region {
  readonly key: string;
  /** Which of the tints it is shown in. */
  readonly tint: number;
  readonly painting: string | null;
  /** What the server finds by itself, in place of a mask. */
  readonly found: Found | null;
  /** The mask's id on the server; null while what was painted is not there yet. */
  readonly mask: string | null;
  /** A mask from the server that the strokes go onto. */
  readonly base: string | null;
  readonly strokes: readonly Stroke[];
  readonly undone: readonly Stroke[];
}

export type Found = "faces" | "people";

export interface Stroke {
  /** Diameter, as a share of the photo's long side. */
  readonly size: number;
  /** From a hard edge (0) to none (1). */
  readonly softness: number;
  readonly erase: boolean;
  readonly dabs: readonly Dab[];
}

/** Across and down as shares of width and height, and pressure, each 0 to 1. */
export type Dab = readonly [x: number, y: number, pressure: number];

export interface Brush {
  readonly size: number;
  readonly softness: number;
  readonly erase: boolean;
}

export interface Preview {
  readonly state: "none" | "busy" | "shown" | "failed";
  /** Addresses of pictures by region, that of the rest under ""; of a clip, by frame. */
  readonly layers: Readonly<Record<string, string>>;
  readonly error: string | null;
}

/** What a film of the draft would be and cost, if that is known. */
export interface Estimated {
  readonly state: "none" | "busy" | "known" | "failed";
  readonly value: Estimate | null;
  readonly error: string | null;
}

export type Stage =
  | { readonly show: "draft" }
  | { readonly show: "job"; readonly job: string; readonly snapshot: number | null }
  | { readonly show: "pair"; readonly job: string; readonly other: string | null };

/** How much larger than fitting the picture is seen, and which of its points is in the middle. */
export interface View {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export interface Upload {
  readonly key: string;
  readonly name: string;
  readonly share: number;
}

export interface Notice {
  readonly key: string;
  readonly kind: "error" | "news";
  readonly text: string;
  /** The result that it is about, to be shown. */
  readonly job: string | null;
}

export interface Fault {
  readonly setting: string;
  readonly text: string;
}

export interface Saving {
  readonly done: number;
  readonly all: number;
}

/** What is deleted if whoever is asked says so. */
export type Doomed =
  | { readonly kind: "picture" | "job" | "region"; readonly id: string }
  | { readonly kind: "jobs"; readonly ids: readonly string[] };

export type Tab = "style" | "settings" | "results";
export type Language = "en" | "zh";
export type Theme = "auto" | "light" | "dark";

export interface Tastes {
  readonly language: Language;
  readonly theme: Theme;
}

export const EMPTY_DRAFT: Draft = {
  photo: null,
  texture: false,
  film: false,
  clip: null,
  part: null,
  look: { network: null, mix: [] },
  recipe: "default",
  settings: {},
  regions: {},
};

export const NO_PREVIEW: Preview = { state: "none", layers: {}, error: null };

export const NO_ESTIMATE: Estimated = { state: "none", value: null, error: null };

export const FITTED: View = { scale: 1, x: 0.5, y: 0.5 };

export const START: State = {
  access: { kind: "asking" },
  live: true,
  choices: null,
  pictures: {},
  jobs: {},
  told: [],
  still: null,
  asking: false,
  draft: EMPTY_DRAFT,
  preview: NO_PREVIEW,
  estimate: NO_ESTIMATE,
  marked: null,
  saving: null,
  stage: { show: "draft" },
  view: FITTED,
  split: null,
  painting: null,
  brush: { size: 0.12, softness: 0.4, erase: false },
  uploads: [],
  notices: [],
  fault: null,
  dialog: null,
  tab: "style",
  tastes: { language: "en", theme: "auto" },
};
