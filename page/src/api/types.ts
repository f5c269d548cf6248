export type Value = string | number | boolean | readonly number[] | null;
export interface Session {
  visitor: string;
  version: string;
  max_upload: number;
  max_size: number;
  queue: number;
}
export interface Picture {
  id: string;
  kind: "photo" | "painting" | "mask";
  name: string;
  width: number;
  height: number;
  sha256: string;
  created: string;
  transparent: boolean;
  restored: Restored | null;
}
export interface Restored {
  job: JobRequest;
  missing: string[];
}
export interface Recipe {
  name: string;
  values: Record<string, Value>;
}
export interface Network {
  name: string;
  styles: string[];
  any: boolean;
}
export interface Setting {
  name: string;
  help: string;
  group: string;
  type: "number" | "integer" | "choice" | "text" | "bool";
  default: Value;
  least: number | null;
  most: number | null;
  choices: string[] | null;
  of: string[];
  needs: string[][];
}
export interface Choices {
  tasks: string[];
  methods: string[];
  recipes: Recipe[];
  networks: Network[];
  settings: Setting[];
}
export interface StyleShare {
  painting: string;
  weight: number;
}
export interface JobRequest {
  task: "stylize" | "texture";
  photo: string | null;
  styles: StyleShare[];
  style_index: string;
  regions: { mask: string; painting: string }[];
  recipe: string;
  settings: Record<string, Value>;
}
export interface Progress {
  share: number;
  text: string;
  iteration: number;
  iterations: number;
  losses: Record<string, number>;
  scale: [number, number] | null;
  left_s: number | null;
}
export interface Job {
  id: string;
  request: JobRequest;
  state: "waiting" | "running" | "done" | "cancelled" | "failed";
  position: number | null;
  created: string;
  started: string | null;
  ended: string | null;
  progress: Progress | null;
  revision: number;
  size: [number, number] | null;
  snapshots: { iteration: number; revision: number }[];
  seconds: number | null;
  error: string | null;
  from: string | null;
  warnings: string[];
  can_go_on: boolean;
}
