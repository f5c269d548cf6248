import { describe, expect, test } from "vitest";
import { FITTED, type View } from "./model";
import { LARGEST, panned, zoomed } from "./view";

/** A picture that is as wide as the stage, and half as high. */
const ROOM = { width: 1, height: 2 };

/** What lies under a point of the stage, from its middle, in shares of the picture. */
function under(view: View, x: number, y: number): readonly [number, number] {
  return [view.x + x / view.scale, view.y + y / view.scale];
}

describe("zoom", () => {
  test("keeps what lies under the pointer", () => {
    const near = zoomed(FITTED, 4, ROOM);
    const nearer = zoomed(near, 2, ROOM, 0.3, -0.2);
    expect(nearer.scale).toBe(8);
    under(nearer, 0.3, -0.2).forEach((share, axis) => {
      expect(share).toBeCloseTo(under(near, 0.3, -0.2)[axis] as number, 12);
    });
  });

  test("stays between the whole picture and single pixels", () => {
    expect(zoomed(FITTED, 0.5, ROOM)).toEqual(FITTED);
    expect(zoomed(zoomed(FITTED, 9, ROOM, 0.5, 0.5), 0, ROOM)).toEqual(FITTED);
    expect(zoomed(FITTED, 1e9, ROOM).scale).toBe(LARGEST);
  });
});

describe("pan", () => {
  test("moves the picture with the hand", () => {
    const near = zoomed(FITTED, 4, ROOM);
    expect(panned(near, 0.2, 0, ROOM)).toEqual({ scale: 4, x: 0.45, y: 0.5 });
  });

  test("ends at the picture's border", () => {
    const near = zoomed(FITTED, 4, ROOM);
    // A quarter of the width is seen, and half of the height.
    expect(panned(near, 99, 99, ROOM)).toEqual({ scale: 4, x: 0.125, y: 0.25 });
    expect(panned(near, -99, -99, ROOM)).toEqual({ scale: 4, x: 0.875, y: 0.75 });
  });

  test("leaves in the middle what is seen whole", () => {
    const near = zoomed(FITTED, 1.5, ROOM);
    expect(panned(near, 0, 5, ROOM).y).toBe(0.5);
    expect(panned(FITTED, 5, 5, ROOM)).toEqual(FITTED);
  });
});
