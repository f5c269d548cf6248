/** What the next picture is to be, and what becomes of that by an action. */
import type { JobRequest, Picture } from "../api/types";
import type { Action } from "./actions";
import { type Draft, EMPTY_DRAFT, type Look, type Part, type Share } from "./model";
import { reduceRegions, restoredRegions } from "./regions";

export function reduceDraft(draft: Draft, action: Action): Draft {
  switch (action.type) {
    case "remembered":
      return action.draft;
    case "photo":
      return { ...draft, photo: action.id, texture: false, film: false };
    case "texture":
      return { ...draft, texture: true, film: false };
    case "clip": {
      // A part without a clip is that of a film whose clip was gone: this is taken to be it.
      const same = draft.clip === null || action.id === draft.clip;
      return { ...draft, clip: action.id, film: true, part: same ? draft.part : null };
    }
    case "part":
      return { ...draft, part: whole(action.part) };
    case "look":
      return { ...draft, look: chosen(draft.look, action) };
    case "weight":
      return { ...draft, look: { ...draft.look, mix: weighted(draft.look.mix, action.id, action.weight) } };
    case "recipe":
      // Settings that were changed stay changed: they are the user's, not the recipe's.
      return { ...draft, recipe: action.name };
    case "setting":
      return { ...draft, settings: replaced(draft.settings, action.name, action.value) };
    case "settings-reset":
      return { ...draft, recipe: EMPTY_DRAFT.recipe, settings: {} };
    case "again":
      return again(draft, action.request);
    case "picture-removed":
      return without(draft, action.id);
    default:
      return reduceRegions(draft, action);
  }
}

function chosen(look: Look, { id, network, mixing }: Extract<Action, { type: "look" }>): Look {
  const same = look.network === network;
  const has = same && look.mix.some((share) => share.id === id);
  if (!mixing || !same) return { network, mix: [{ id, weight: 1 }] };
  return { network, mix: has ? look.mix.filter((share) => share.id !== id) : [...look.mix, { id, weight: 1 }] };
}

function weighted(mix: readonly Share[], id: string, weight: number): Share[] {
  return mix.map((share) => (share.id === id ? { id, weight } : share));
}

function replaced<T>(record: Readonly<Record<string, T>>, name: string, value: T | undefined): Record<string, T> {
  const { [name]: _, ...others } = record;
  return value === undefined ? others : { ...others, [name]: value };
}

/** The draft that asks for the same as a job did. What the job did not have (a photo, of a texture or a film) stays. */
function again(draft: Draft, request: JobRequest): Draft {
  const { method: _method, network, ...settings } = request.settings;
  const learnt = request.style_index !== "";
  const [texture, film] = [request.task === "texture", request.task === "video"];
  const photo = request.photo ?? draft.photo;
  return {
    photo,
    texture,
    film,
    clip: film ? request.clip : draft.clip,
    part: film ? whole({ start: request.start || null, end: request.end ?? null }) : draft.part,
    look: learnt
      ? { network: typeof network === "string" ? network : "multi", mix: parsedShares(request.style_index) }
      : { network: null, mix: request.styles.map(({ painting, weight }) => ({ id: painting, weight })) },
    recipe: texture || film ? draft.recipe : request.recipe,
    settings: learnt ? settings : request.settings,
    regions:
      photo === null || texture || film
        ? draft.regions
        : { ...draft.regions, [photo]: restoredRegions(request.regions) },
  };
}

/** All of the clip is no part of it. */
function whole(part: Part): Part | null {
  return part.start === null && part.end === null ? null : part;
}

/** `rhone:0.5,cottages:0.5`, the server's words for a mix of learnt styles. */
export function parsedShares(words: string): Share[] {
  return words.split(",").flatMap((word) => {
    const [id = "", weight = "1"] = word.trim().split(":");
    return id === "" ? [] : [{ id, weight: Number(weight) || 1 }];
  });
}

export function sharesInWords(mix: readonly Share[]): string {
  return mix.map(({ id, weight }) => `${id}:${weight}`).join(",");
}

/** The draft without pictures that are not here any more. */
export function withoutLost(draft: Draft, pictures: Readonly<Record<string, Picture>>): Draft {
  const { photo, clip, look, regions } = draft;
  const used = [
    photo,
    clip,
    ...(look.network === null ? look.mix.map(({ id }) => id) : []),
    ...Object.keys(regions),
    ...Object.values(regions).flatMap((all) => all.map(({ painting }) => painting)),
  ];
  return used
    .filter((id) => id !== null && !(id in pictures))
    .reduce<Draft>((now, id) => without(now, id as string), draft);
}

function without(draft: Draft, id: string): Draft {
  const regions = Object.entries(draft.regions).filter(([photo]) => photo !== id);
  return {
    ...draft,
    photo: draft.photo === id ? null : draft.photo,
    clip: draft.clip === id ? null : draft.clip,
    part: draft.clip === id ? null : draft.part,
    look:
      draft.look.network === null
        ? { ...draft.look, mix: draft.look.mix.filter((share) => share.id !== id) }
        : draft.look,
    regions: Object.fromEntries(
      regions.map(([photo, all]) => [
        photo,
        all.map((each) => (each.painting === id ? { ...each, painting: null } : each)),
      ]),
    ),
  };
}
