/** What settings apply to, as they declare it: the server refuses one that would have no effect. */
import type { Choices, JobRequest, Setting, Value } from "../api/types";
import { sharesInWords } from "./draft";
import type { Draft, Region } from "./model";
import { isPainted, regionsOf } from "./regions";

/** The value that counts: the user's, or else the recipe's. */
export function valueFor(name: string, draft: Draft, choices: Choices): Value {
  if (name === "method" && draft.look.network !== null) return "fast";
  if (name in draft.settings) return draft.settings[name] ?? null;
  return recipeValue(name, recipeOf(draft), choices);
}

/** What a setting must be of, to have an effect. */
export function wayOf(draft: Draft, choices: Choices): string {
  if (draft.texture) return "texture";
  return draft.film ? "video" : String(valueFor("method", draft, choices));
}

/** Textures have one of their own, and films have none. */
export function recipeOf(draft: Draft): string {
  if (draft.film) return "default";
  return draft.texture ? "texture" : draft.recipe;
}

export function recipeValue(name: string, recipe: string, choices: Choices): Value {
  const own = choices.recipes.find((each) => each.name === recipe)?.values;
  return own?.[name] ?? choices.settings.find((each) => each.name === name)?.default ?? null;
}

/** Whether a setting has an effect on what the draft asks for. */
export function applies(setting: Setting, draft: Draft, choices: Choices): boolean {
  return (
    setting.of.includes(wayOf(draft, choices)) &&
    setting.needs.every((options) => options.some((option) => isMet(option, draft, choices)))
  );
}

function isMet(option: string, draft: Draft, choices: Choices): boolean {
  const [, name = "", sign = "", wanted = ""] = /^(.*?)(?:(!?=)(.*))?$/.exec(option) ?? [];
  const setting = choices.settings.find((each) => each.name === name);
  if (setting === undefined) {
    return name === wayOf(draft, choices) || (name === "regions" && regionsOf(draft).some(isPainted));
  }
  if (!applies(setting, draft, choices)) return false;
  const value = valueFor(name, draft, choices);
  return sign === "" ? Boolean(value) : (String(value) === wanted) === (sign === "=");
}

export type Lack =
  | "studio"
  | "photo"
  | "clip"
  | "style"
  | "painting"
  | "brushed"
  | "regionPainting"
  | "regionMethod"
  | "mask";

/** What must be there before it can be painted, in the order to ask for it; the studio, until it has told its choices. */
export function lacks(draft: Draft, choices: Choices | null): Lack | null {
  if (choices === null) return "studio";
  const { network, mix } = draft.look;
  if (draft.texture) return network === null && mix.length > 0 ? null : "painting";
  if (draft.film && draft.clip === null) return "clip";
  if (!draft.film && draft.photo === null) return "photo";
  const regions = heeded(draft);
  if (mix.length === 0 && regions.length === 0) return "style";
  if (!regions.every(isPainted)) return "brushed";
  if (regions.some(({ painting }) => painting === null)) return "regionPainting";
  if (regions.length > 0 && wayOf(draft, choices) !== "iterative") return "regionMethod";
  return regions.some((region) => maskIn(region) === null) ? "mask" : null;
}

/** The regions that count: learnt styles have none. */
function heeded(draft: Draft): readonly Region[] {
  return draft.look.network === null ? regionsOf(draft) : [];
}

function maskIn(region: Region): string | null {
  return region.found ?? region.mask;
}

export function requestOf(draft: Draft, choices: Choices): JobRequest {
  const { network, mix } = draft.look;
  const settings = Object.fromEntries(
    Object.entries(draft.settings).filter(([name, value]) => {
      const setting = choices.settings.find((each) => each.name === name);
      return (
        setting !== undefined &&
        applies(setting, draft, choices) &&
        value !== recipeValue(name, recipeOf(draft), choices)
      );
    }),
  );
  // Films are painted fast, and say no more of it.
  const learnt = network === null ? {} : draft.film ? { network } : { method: "fast", network };
  return {
    task: draft.texture ? "texture" : draft.film ? "video" : "stylize",
    photo: draft.texture || draft.film ? null : draft.photo,
    clip: draft.film ? draft.clip : null,
    styles: network === null ? mix.map(({ id, weight }) => ({ painting: id, weight })) : [],
    style_index: network === null ? "" : sharesInWords(mix),
    regions: heeded(draft).flatMap((region) => {
      const mask = maskIn(region);
      return mask && region.painting ? [{ mask, painting: region.painting }] : [];
    }),
    // Recipes are for the optimiser.
    recipe: wayOf(draft, choices) === "fast" ? "default" : recipeOf(draft),
    settings: { ...settings, ...learnt },
    ...(draft.film && draft.part ? { start: draft.part.start ?? 0, end: draft.part.end } : {}),
  };
}
