/** The API's types by shorter names. They are made from the server's own description: `schema.ts`. */
import type { components } from "./schema";

type Schemas = components["schemas"];

/** A setting's value, as JSON has it. */
export type Value =
  | string
  | number
  | boolean
  | readonly (string | number)[]
  | { readonly [name: string]: number }
  | null;

export type Choices = Omit<Schemas["Choices"], "recipes" | "settings"> & { recipes: Recipe[]; settings: Setting[] };
export type Job = Required<Omit<Schemas["Job"], "request" | "progress">> & {
  request: JobRequest;
  progress: Progress | null;
};
export type Estimate = Schemas["Estimate"];
export type JobRequest = Omit<Schemas["JobRequest"], "photo" | "clip" | "settings" | "start"> & {
  photo: string | null;
  clip: string | null;
  start?: number;
  settings: Record<string, Value>;
};
export type EstimateRequest = JobRequest & { page: string };
export type Network = Schemas["LearntNetwork"];
export type Moving = Schemas["Moving"];
export type Picture = Omit<Schemas["Picture"], "restored" | "moving"> & {
  restored: Restored | null;
  moving: Moving | null;
};
export type PreviewRequest = Schemas["PreviewRequest"];
export type Progress = Required<Schemas["Going"]>;
export type Recipe = Omit<Schemas["Recipe"], "values"> & { values: Record<string, Value> };
export type Restored = Omit<Schemas["Restored"], "job"> & { job: JobRequest };
export type Session = Schemas["Session"];
export type Setting = Omit<Schemas["Setting"], "default"> & { default: Value };
export type StyleShare = Schemas["Styled"];
