/** What is to be previewed of a draft: the whole, and every region. */
import type { Choices, PreviewRequest } from "../api/types";
import { applies, valueFor } from "./applies";
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
  const but = ({ photo, styles, style_index, network, keep_colour }: Wanted) =>
    JSON.stringify([photo, styles, style_index, network, keep_colour]);
  return but(one) === but(other);
}

/** The frames of a clip that are shown: its first, middle and last one. */
export const FRAMES = [0, 1, 2] as const;

/** As it will be painted, where that heeds it: films do not. */
function keptColour(draft: Draft, choices: Choices): Wanted["keep_colour"] {
  const setting = choices.settings.find(({ name }) => name === "keep_colour");
  if (setting === undefined || !applies(setting, draft, choices)) return "none";
  return valueFor("keep_colour", draft, choices) as Wanted["keep_colour"];
}

/** By region, that of the rest under ""; of a clip, by frame. `own` is the long side of a film. */
export function wantedPreviews(draft: Draft, choices: Choices, own?: number): Record<string, Wanted> {
  const { look } = draft;
  const photo = draft.film ? draft.clip : draft.photo;
  if (photo === null || draft.texture) return {};
  const scale = strokeScale(draft, choices, own);
  const common = {
    photo,
    frame: 0,
    strength: Number(valueFor("strength", draft, choices)),
    stroke_size: scale === 1 ? null : Math.min(FINEST, Math.round(PREVIEW_SIZE / scale)),
    size: PREVIEW_SIZE,
    keep_colour: keptColour(draft, choices),
    styles: [],
    style_index: "",
    network: null,
  };
  const whole: Wanted =
    look.network !== null
      ? { ...common, style_index: sharesInWords(look.mix), network: look.network }
      : { ...common, styles: look.mix.map(({ id, weight }) => ({ painting: id, weight })) };
  const wanted: Record<string, Wanted> = {};
  if (look.mix.length > 0) {
    if (draft.film) for (const frame of FRAMES) wanted[frame] = { ...whole, frame };
    else wanted[""] = whole;
  }
  if (look.network !== null) return wanted;
  for (const region of regionsOf(draft)) {
    // Where the faces are, only the server knows.
    if (region.painting !== null && region.found === null && isPainted(region)) {
      wanted[region.key] = { ...common, styles: [{ painting: region.painting, weight: 1 }] };
    }
  }
  return wanted;
}
