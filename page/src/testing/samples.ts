/** A small world for the tests. */
import type { Choices, Job, JobRequest, Picture, Setting } from "../api/types";
import type { Action } from "../state/actions";
import { START, type State } from "../state/model";
import { reduce } from "../state/reducer";

export function given(...actions: Action[]): State {
  return actions.reduce(reduce, START);
}

export function picture(id: string, more: Partial<Picture> = {}): Picture {
  return {
    id,
    kind: "painting",
    name: `${id}.jpg`,
    width: 400,
    height: 300,
    sha256: "",
    created: "2026-01-01T00:00:00Z",
    transparent: false,
    restored: null,
    moving: null,
    ...more,
  };
}

export const REQUEST: JobRequest = {
  task: "stylize",
  photo: "cat",
  clip: null,
  styles: [{ painting: "wave", weight: 1 }],
  style_index: "",
  regions: [],
  recipe: "default",
  settings: {},
};

export function job(id: string, more: Partial<Job> = {}): Job {
  return {
    id,
    request: REQUEST,
    state: "waiting",
    position: 0,
    created: "2026-01-01T00:00:00Z",
    started: null,
    ended: null,
    progress: null,
    revision: 0,
    size: null,
    snapshots: [],
    curve: [],
    seconds: 0,
    error: null,
    from: null,
    warnings: [],
    can_go_on: false,
    iterations_left: 0,
    film: false,
    ...more,
  };
}

export function setting(name: string, more: Partial<Setting> = {}): Setting {
  return {
    name,
    help: `About ${name}.`,
    group: "Look",
    type: "number",
    default: 1,
    least: 0,
    most: null,
    choices: null,
    of: ["iterative", "refine"],
    needs: [],
    ...more,
  };
}

export const CHOICES: Choices = {
  tasks: ["stylize"],
  methods: ["iterative", "refine", "fast"],
  recipes: [
    { name: "default", values: { style_weight: 0.3, tv_weight: 0 } },
    { name: "texture", values: { style_weight: 1, tv_weight: 1 } },
    { name: "statistics", values: { style_weight: 1, tv_weight: 5 } },
  ],
  networks: [
    { name: "any", styles: [], any: true },
    { name: "multi", styles: ["rhone", "cottages"], any: false },
  ],
  settings: [
    setting("method", {
      type: "choice",
      default: "iterative",
      choices: ["iterative", "refine", "fast"],
      of: ["iterative", "refine", "fast"],
    }),
    setting("network", { type: "text", default: "auto", of: ["refine", "fast", "video"] }),
    setting("strength", { default: 0.5, most: 1, of: ["iterative", "refine", "fast", "video"] }),
    setting("style_weight"),
    setting("tv_weight", { of: ["iterative", "refine", "texture"] }),
    setting("tv_norm", { type: "choice", default: "l2", choices: ["l2", "l1"], needs: [["tv_weight"]] }),
    setting("optimizer", { type: "choice", default: "lbfgs", choices: ["lbfgs", "adam"] }),
    setting("history", { type: "integer", default: 7, needs: [["optimizer=lbfgs"]] }),
    setting("learning_rate", { default: 0.02, needs: [["optimizer=adam"]] }),
    setting("feather", { default: 0, of: ["iterative"], needs: [["regions"]] }),
    setting("keep_colour", {
      type: "choice",
      default: "none",
      choices: ["none", "luminance", "linear", "histogram"],
      of: ["iterative", "refine", "fast"],
    }),
    setting("style_scale", { type: "text", default: [1] }),
    setting("stroke_size", { type: "integer", default: 0, of: ["fast", "video"] }),
    setting("size", { type: "text", default: "auto", of: ["iterative", "refine", "fast", "video"] }),
    setting("steady", { type: "choice", default: "light", choices: ["light", "shots", "off"], of: ["video"] }),
  ],
};
