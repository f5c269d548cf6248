/** The masks of the draft's regions: drawn here, and sent to the server when the brush rests. */
import { effect, signal } from "@preact/signals";
import { mayPass } from "../api/client";
import { upload } from "../api/upload";
import { isPainted } from "../state/regions";
import { photo, regions } from "../state/selectors";
import { dispatch, state } from "../state/store";
import { Mask } from "./mask";
import { attempt } from "./notices";

const masks = new Map<string, { photo: string; mask: Mask }>();
const REST = 400;
/** Milliseconds until one that could not be sent is sent again: nothing is painted without it. */
const AGAIN = 3000;
/** By photo, for the mask of one is sent though another has been chosen meanwhile. */
const resting = new Map<string, ReturnType<typeof setTimeout>>();

/** Rises when a mask has changed: who shows them reads it. */
export const drawn = signal(0);

export function maskOf(key: string): Mask | null {
  return masks.get(key)?.mask ?? null;
}

export function keepMasks(): void {
  effect(() => {
    const [on, all] = [photo.value, regions.value];
    if (on === null) return;
    for (const region of all.filter(({ found }) => found === null)) {
      if (masks.get(region.key)?.photo !== on.id) masks.set(region.key, { photo: on.id, mask: new Mask(on) });
      void masks
        .get(region.key)
        ?.mask.follow(region)
        .then(() => drawn.value++);
    }
    saveIn(REST, on.id);
  });
}

function saveIn(time: number, on: string): void {
  clearTimeout(resting.get(on));
  resting.set(
    on,
    setTimeout(() => void save(on), time),
  );
}

async function save(on: string): Promise<void> {
  const all = state.peek().draft.regions[on] ?? [];
  for (const { key, strokes } of all.filter(
    (region) => region.mask === null && region.found === null && isPainted(region),
  )) {
    const mask = masks.get(key);
    if (mask?.photo !== on) continue;
    let passes = true;
    const sent = await attempt(() =>
      mask.mask
        .png()
        .then((file) => upload(file, "mask", "region.png"))
        .catch((error: unknown) => {
          passes = mayPass(error); // What is refused for good is so until more is painted.
          throw error;
        }),
    );
    if (sent === null && passes && state.peek().access.kind === "open") saveIn(AGAIN, on);
    if (sent !== null) dispatch({ type: "mask-saved", photo: on, key, mask: sent.picture.id, strokes });
  }
}
