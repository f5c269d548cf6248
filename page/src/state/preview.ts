/** What is to be previewed of a draft: the whole, and every region. */
import type { Choices, PreviewRequest } from "../api/types";
import { valueFor } from "./applies";
import { sharesInWords } from "./draft";
import type { Draft } from "./model";
import { isPainted, regionsOf } from "./regions";
import { strokeScale } from "./strokes";

export const PREVIEW_SIZE = 512;

/** Finer strokes than this would take too long to be seen at once. */
const FINEST = 1024;

export type Wanted = Omit<PreviewRequest, "page">;

/** By region, that of the rest under "". */
export function wantedPreviews(draft: Draft, choices: Choices): Record<string, Wanted> {
  const { photo, look } = draft;
  if (photo === null) return {};
  const scale = strokeScale(draft, choices);
  const common = {
    photo,
    strength: Number(valueFor("strength", draft, choices)),
    stroke_size: scale === 1 ? null : Math.min(FINEST, Math.round(PREVIEW_SIZE / scale)),
    size: PREVIEW_SIZE,
    styles: [],
    style_index: "",
    network: null,
  };
  const wanted: Record<string, Wanted> = {};
  if (look.network !== null) {
    if (look.mix.length > 0) wanted[""] = { ...common, style_index: sharesInWords(look.mix), network: look.network };
    return wanted;
  }
  if (look.mix.length > 0) {
    wanted[""] = { ...common, styles: look.mix.map(({ id, weight }) => ({ painting: id, weight })) };
  }
  for (const region of regionsOf(draft)) {
    // Where the faces are, only the server knows.
    if (region.painting !== null && region.found === null && isPainted(region)) {
      wanted[region.key] = { ...common, styles: [{ painting: region.painting, weight: 1 }] };
    }
  }
  return wanted;
}
