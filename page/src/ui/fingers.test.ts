import { expect, test } from "vitest";
import { fingers, type Hand } from "./fingers";

/** What a hand does on an element that is not in a page, by what pointers do there. */
function felt(...pointers: readonly (readonly [name: string, more: Partial<PointerEvent>])[]): string[] {
  const done: string[] = [];
  const hand = Object.fromEntries(
    ["down", "move", "up", "cancel", "hover"].map((name) => [name, () => done.push(name)]),
  ) as unknown as Hand;
  const element = Object.assign(new EventTarget(), {
    closest: () => null,
    setPointerCapture: () => {},
    getBoundingClientRect: () => ({ left: 0, top: 0 }),
  }) as unknown as HTMLElement;
  const stop = fingers(element, {
    zoom: () => {},
    pan: () => done.push("pan"),
    at: (x, y) => [x, y],
    hand: () => hand,
  });
  for (const [name, more] of pointers) {
    element.dispatchEvent(Object.assign(new Event(`pointer${name}`), { pointerId: 1, pointerType: "mouse", ...more }));
  }
  stop();
  return done;
}

test("the main button paints, the middle one pans, and a menu's does nothing", () => {
  expect(felt(["down", { button: 0 }], ["move", { buttons: 1 }], ["up", {}])).toEqual(["down", "move", "up"]);
  expect(felt(["down", { button: 1 }], ["move", { buttons: 4 }], ["up", {}])).toEqual(["pan"]);
  expect(felt(["down", { button: 2 }], ["move", { buttons: 2 }], ["up", {}])).toEqual(["hover"]);
  expect(felt(["down", { button: 5, pointerType: "pen" }], ["up", {}])).toEqual(["down", "up"]);
});

test("a stroke whose end was not heard of ends with the next move", () => {
  expect(felt(["down", { button: 0 }], ["move", { buttons: 0 }], ["move", { buttons: 0 }])).toEqual([
    "down",
    "up",
    "hover",
    "hover",
  ]);
});
