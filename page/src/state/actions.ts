/** All that can happen to the page. */
import type { Choices, Job, JobRequest, Picture, Session, Value } from "../api/types";
import type {
  Brush,
  Draft,
  Estimated,
  Fault,
  Language,
  Notice,
  Part,
  Preview,
  Region,
  Saving,
  Stage,
  State,
  Stroke,
  Tab,
  Theme,
  Upload,
  View,
} from "./model";

export type Action =
  // The server
  | { type: "opened"; session: Session }
  | { type: "closed"; wrong: boolean }
  | { type: "live"; live: boolean }
  | { type: "choices"; choices: Choices }
  /** All pictures and jobs are asked for: what is told of meanwhile is newer. */
  | { type: "refreshing" }
  | { type: "pictures"; pictures: readonly Picture[] }
  | { type: "picture"; picture: Picture }
  | { type: "picture-removed"; id: string }
  | { type: "jobs"; jobs: readonly Job[] }
  | { type: "job"; job: Job }
  | { type: "job-removed"; id: string }
  | { type: "still"; id: string }
  | { type: "asking"; asking: boolean }
  | { type: "preview"; preview: Partial<Preview> }
  | { type: "estimate"; estimate: Estimated }
  | { type: "upload"; upload: Upload }
  | { type: "upload-ended"; key: string }
  // The draft
  | { type: "remembered"; draft: Draft }
  | { type: "photo"; id: string | null }
  | { type: "texture" }
  | { type: "clip"; id: string | null }
  | { type: "part"; part: Part }
  | { type: "look"; id: string; network: string | null; mixing: boolean }
  | { type: "weight"; id: string; weight: number }
  | { type: "recipe"; name: string }
  | { type: "setting"; name: string; value: Value | undefined }
  | { type: "settings-reset" }
  | { type: "again"; request: JobRequest }
  // Regions, of the draft's photo
  | { type: "region-added"; region: Pick<Region, "key" | "found"> }
  | { type: "region-removed"; key: string }
  | { type: "region-painting"; key: string; painting: string }
  | { type: "stroke"; key: string; stroke: Stroke }
  | { type: "undo"; key: string }
  | { type: "redo"; key: string }
  | { type: "mask-saved"; photo: string; key: string; mask: string; strokes: readonly Stroke[] }
  | { type: "paint-region"; key: string | null }
  | { type: "brush"; brush: Partial<Brush> }
  // The look of the page
  | { type: "stage"; stage: Stage }
  | { type: "view"; view: View }
  | { type: "split"; split: number | null }
  | { type: "notice"; notice: Notice }
  | { type: "notice-read"; key: string }
  | { type: "fault"; fault: Fault | null }
  | { type: "dialog"; dialog: State["dialog"] }
  /** Marks exactly these results; null ends the marking. */
  | { type: "marked"; ids: readonly string[] | null }
  | { type: "saving"; saving: Saving | null }
  | { type: "tab"; tab: Tab }
  | { type: "language"; language: Language }
  | { type: "theme"; theme: Theme };
