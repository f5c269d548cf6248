/** A part of a clip, by handles that stop at each other and at the clip's ends. */
import type { Moving } from "../api/types";
import type { Part } from "./model";

/** What a part is for a clip: from when to when, in seconds of it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export function ownSpan({ begins, seconds }: Moving): Span {
  return { start: begins, end: begins + seconds };
}

export function spanOf(part: Part | null, moving: Moving): Span {
  const own = ownSpan(moving);
  return { start: part?.start ?? own.start, end: part?.end ?? own.end };
}

/** The part after one of its ends was moved to a time: it holds a frame at the least. */
export function moved(part: Part | null, moving: Moving, which: keyof Span, to: number): Part {
  const [own, now] = [ownSpan(moving), spanOf(part, moving)];
  // Times are rounded to thousandths: what is between two of them is a frame long still.
  const frame = Math.ceil(1000 / moving.rate - 1e-6) / 1000;
  const bounded =
    which === "start"
      ? Math.max(own.start, Math.min(to, now.end - frame))
      : Math.min(own.end, Math.max(to, now.start + frame));
  const near = Math.abs(bounded - own[which]) < frame / 2;
  return {
    start: part?.start ?? null,
    end: part?.end ?? null,
    [which]: near ? null : Math.round(bounded * 1000) / 1000,
  };
}

/** What a handle moves by: fine enough to find a frame of a short clip, and few enough steps for a long one. */
function stepOf({ seconds }: Moving): number {
  return seconds < 30 ? 0.05 : seconds < 300 ? 0.1 : 1;
}

/** How many places a handle has after its first, of which the last is the clip's end. */
export const placesOf = (moving: Moving): number => Math.ceil(moving.seconds / stepOf(moving));

export function placeOf(time: number, moving: Moving): number {
  const last = time >= ownSpan(moving).end - 1e-6;
  return last ? placesOf(moving) : Math.round((time - moving.begins) / stepOf(moving));
}

export const timeAt = (place: number, moving: Moving): number => moving.begins + place * stepOf(moving);
