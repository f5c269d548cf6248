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

/** The same at half the size: a quarter of the work, with strokes as fine as so few pixels have. */
export function atHalf(wanted: Wanted): Wanted {
  const { size = PREVIEW_SIZE, stroke_size } = wanted;
  return { ...wanted, size: size / 2, stroke_size: stroke_size ? Math.round(stroke_size / 2) : null };
}

/** Whether two are alike but for where a dial stands: one tells something of the other. */
export function sameHand(one: Wanted, other: Wanted): boolean {
  const but = ({ photo, styles, style_index, network }: Wanted) =>
    JSON.stringify([photo, styles, style_index, network]);
  return but(one) === but(other);
}

/** By region, that of the rest under "". */
export function wantedPreviews(draft: Draft, choices: Choices): Record<string, Wanted> {
  const { photo, look } = draft;
  if (photo === null || draft.texture) return {};
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
