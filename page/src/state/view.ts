/** Zoom and pan: arithmetic only. Lengths are shares of the picture as it fits the stage. */
import { FITTED, type View } from "./model";

/** The stage's width and height over those of the fitted picture: one of them is 1, the other more. */
export interface Room {
  readonly width: number;
  readonly height: number;
}

export const LARGEST = 64;

/** The view after zooming about a point (from the middle of the stage, at the scale of the fitted picture). */
export function zoomed(view: View, factor: number, room: Room, x = 0, y = 0): View {
  const scale = Math.min(LARGEST, Math.max(1, view.scale * factor));
  // What lies under the point stays there.
  const kept = 1 / view.scale - 1 / scale;
  return bounded({ scale, x: view.x + x * kept, y: view.y + y * kept }, room);
}

export function panned(view: View, x: number, y: number, room: Room): View {
  return bounded({ ...view, x: view.x - x / view.scale, y: view.y - y / view.scale }, room);
}

/** No more of the surroundings is seen than there must be. */
function bounded(view: View, room: Room): View {
  if (view.scale <= 1) return FITTED;
  return { scale: view.scale, x: held(view.x, room.width / view.scale), y: held(view.y, room.height / view.scale) };
}

function held(middle: number, seen: number): number {
  return seen >= 1 ? 0.5 : Math.min(1 - seen / 2, Math.max(seen / 2, middle));
}
