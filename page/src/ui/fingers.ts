/** Pointers on a viewport: one pans or paints, two pinch, the wheel zooms. */

/** Takes what a single pointer does, in shares of the picture. */
export interface Hand {
  down(x: number, y: number, pressure: number): void;
  move(x: number, y: number, pressure: number): void;
  up(): void;
  /** A second finger came: it was no stroke. */
  cancel(): void;
  /** It passes over, and touches nothing. */
  hover(x: number, y: number): void;
  /** Whether it took the key for itself. */
  key(key: string, fast: boolean): boolean;
}

export interface Grasp {
  zoom(factor: number, x: number, y: number): void;
  pan(x: number, y: number): void;
  at(x: number, y: number): readonly [number, number];
  hand(): Hand | null;
}

interface Finger {
  x: number;
  y: number;
}

const MIDDLE = 1;

/** Listens on the element until the returned function is called. */
export function fingers(element: HTMLElement, grasp: Grasp): () => void {
  const down = new Map<number, Finger>();
  let painting: Hand | null = null;

  const place = (event: MouseEvent): Finger => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  // A mouse has no pressure, and says 0.5.
  const pressure = (event: PointerEvent) => (event.pointerType === "pen" ? event.pressure : 1);

  function onDown(event: PointerEvent): void {
    if ((event.target as Element).closest("[data-own]")) return;
    if (event.pointerType === "mouse" && event.button > MIDDLE) return; // A menu's.
    element.setPointerCapture(event.pointerId);
    const finger = place(event);
    down.set(event.pointerId, finger);
    if (down.size > 1) {
      painting?.cancel();
      painting = null;
    } else if (event.button !== MIDDLE) {
      painting = grasp.hand();
      painting?.down(...grasp.at(finger.x, finger.y), pressure(event));
    }
  }

  function onMove(event: PointerEvent): void {
    if (event.buttons === 0) onUp(event); // Which was not heard of, behind a menu, say.
    const before = down.get(event.pointerId);
    const finger = place(event);
    if (before === undefined) {
      grasp.hand()?.hover(...grasp.at(finger.x, finger.y));
      return;
    }
    if (painting !== null) {
      for (const each of event.getCoalescedEvents?.() ?? [event]) {
        const { x, y } = place(each);
        painting.move(...grasp.at(x, y), pressure(each));
      }
    } else if (down.size === 1) {
      grasp.pan(finger.x - before.x, finger.y - before.y);
    } else {
      pinch(event.pointerId, before, finger);
    }
    down.set(event.pointerId, finger);
  }

  function pinch(id: number, before: Finger, after: Finger): void {
    const other = [...down].find(([each]) => each !== id)?.[1];
    if (other === undefined) return;
    const apart = (finger: Finger) => Math.hypot(finger.x - other.x, finger.y - other.y) || 1;
    grasp.zoom(apart(after) / apart(before), (after.x + other.x) / 2, (after.y + other.y) / 2);
    grasp.pan((after.x - before.x) / 2, (after.y - before.y) / 2);
  }

  function onUp(event: PointerEvent): void {
    if (down.delete(event.pointerId) && painting !== null) {
      painting.up();
      painting = null;
    }
  }

  function onWheel(event: WheelEvent): void {
    event.preventDefault();
    const { x, y } = place(event);
    // A touchpad's pinch comes as a wheel with ctrl, in small steps.
    const speed = event.ctrlKey ? 0.01 : event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 0.002 : 0.05;
    grasp.zoom(Math.exp(-event.deltaY * speed), x, y);
  }

  const heard = new AbortController();
  const { signal } = heard;
  element.addEventListener("pointerdown", onDown, { signal });
  element.addEventListener("pointermove", onMove, { signal });
  element.addEventListener("pointerup", onUp, { signal });
  element.addEventListener("pointercancel", onUp, { signal });
  element.addEventListener("wheel", onWheel, { signal, passive: false });
  return () => heard.abort();
}
