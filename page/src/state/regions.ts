/** Regions of a photo: which painting each follows, and the strokes that its mask is made of. */
import type { JobRequest } from "../api/types";
import type { Action } from "./actions";
import type { Draft, Region, Stroke } from "./model";

export const TINTS = 6;

const EMPTY_REGION: Region = {
  key: "",
  tint: 0,
  painting: null,
  found: null,
  mask: null,
  base: null,
  strokes: [],
  undone: [],
};

export function reduceRegions(draft: Draft, action: Action): Draft {
  switch (action.type) {
    case "region-added": {
      const { key, found } = action.region;
      return change(draft, (all) => [...all, { ...EMPTY_REGION, key, found, tint: freeTint(all) }]);
    }
    case "region-removed":
      return change(draft, (all) => all.filter((each) => each.key !== action.key));
    case "region-painting":
      return changeOne(draft, action.key, (region) => ({ ...region, painting: action.painting }));
    case "stroke":
      return changeOne(draft, action.key, (region) => ({
        ...redrawn(region, [...region.strokes, action.stroke]),
        undone: [],
      }));
    case "undo":
      return changeOne(draft, action.key, (region) => {
        const last = region.strokes.at(-1);
        if (last === undefined) return region;
        return { ...redrawn(region, region.strokes.slice(0, -1)), undone: [...region.undone, last] };
      });
    case "redo":
      return changeOne(draft, action.key, (region) => {
        const last = region.undone.at(-1);
        if (last === undefined) return region;
        return { ...redrawn(region, [...region.strokes, last]), undone: region.undone.slice(0, -1) };
      });
    case "mask-saved":
      // Only if nothing was painted since: otherwise the next upload is on its way.
      return changeOne(
        draft,
        action.key,
        (region) => (region.strokes === action.strokes ? { ...region, mask: action.mask } : region),
        action.photo,
      );
    default:
      return draft;
  }
}

export function regionsOf(draft: Draft): readonly Region[] {
  return (draft.photo !== null && !draft.texture && !draft.film && draft.regions[draft.photo]) || [];
}

/** Whether there is anything in its mask. */
export function isPainted(region: Region): boolean {
  return region.found !== null || region.base !== null || region.strokes.length > 0;
}

export function restoredRegions(regions: JobRequest["regions"]): Region[] {
  return regions.map(({ mask, painting }, index) => {
    const region = { ...EMPTY_REGION, key: `${mask}-${index}`, tint: index % TINTS, painting };
    return mask === "faces" || mask === "people" ? { ...region, found: mask } : { ...region, mask, base: mask };
  });
}

function redrawn(region: Region, strokes: readonly Stroke[]): Region {
  // What was uploaded with nothing painted over is right again.
  return { ...region, strokes, mask: strokes.length === 0 ? region.base : null };
}

function freeTint(regions: readonly Region[]): number {
  const taken = new Set(regions.map((region) => region.tint));
  for (let tint = 0; tint < TINTS; tint++) if (!taken.has(tint)) return tint;
  return regions.length % TINTS;
}

function change(draft: Draft, to: (regions: readonly Region[]) => readonly Region[], photo = draft.photo): Draft {
  if (photo === null) return draft;
  return { ...draft, regions: { ...draft.regions, [photo]: to(draft.regions[photo] ?? []) } };
}

function changeOne(draft: Draft, key: string, to: (region: Region) => Region, photo = draft.photo): Draft {
  return change(draft, (all) => all.map((each) => (each.key === key ? to(each) : each)), photo);
}
