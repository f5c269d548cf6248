/** A picture that can be zoomed and panned: by wheel, pinch, drag and keys. */
import { signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { View } from "../state/model";
import { dispatch, select, state } from "../state/store";
import { panned, type Room, zoomed } from "../state/view";
import { fingers, type Hand } from "./fingers";

/** Where the picture lies on the screen, in CSS pixels of the viewport. */
export interface Sheet {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** From its lower edge to that of the viewport. */
  readonly bottom: number;
}

interface ViewportProps {
  label: string;
  /** The picture's own size in pixels. */
  width: number;
  height: number;
  /** Takes a single finger or the pen for itself, in shares of the picture. */
  hand?: Hand | null;
  /** What is drawn over the picture and does not grow with it. */
  over?: (sheet: Sheet) => ComponentChildren;
  children: ComponentChildren;
}

/** Pixels of the screen to one of the picture's, in the first viewport, which keys and buttons act on. */
export const magnified = signal(1);

const seenView = select((s) => s.view);
const STEP = 1.25;
const PAN = 0.1;

export function Viewport({ label, width, height, hand = null, over, children }: ViewportProps) {
  const frame = useRef<HTMLDivElement>(null);
  const seen = useSignal({ width: 0, height: 0 });
  const held = useRef<Hand | null>(hand);
  held.current = hand;

  useEffect(() => {
    const watched = frame.current as HTMLDivElement;
    const watcher = new ResizeObserver(() => {
      seen.value = { width: watched.clientWidth, height: watched.clientHeight };
    });
    watcher.observe(watched);
    return () => watcher.disconnect();
  }, [seen]);

  const fit = Math.min(seen.value.width / width, seen.value.height / height) || 0;
  const fitted = { width: width * fit, height: height * fit };
  const room: Room = { width: seen.value.width / fitted.width || 1, height: seen.value.height / fitted.height || 1 };
  const view = seenView.value;
  const sheet = placed(view, fitted, seen.value);

  const magnifies = (sheet.width / width) * devicePixelRatio;
  useEffect(() => {
    if (frame.current === document.querySelector(".viewport")) magnified.value = magnifies;
  }, [magnifies]);

  const now = useRef({ fitted, room, seen: seen.value });
  now.current = { fitted, room, seen: seen.value };
  useEffect(() => {
    const zoom = (factor: number, x: number, y: number) => {
      const { fitted, room, seen } = now.current;
      const [fromMiddleX, fromMiddleY] = [(x - seen.width / 2) / fitted.width, (y - seen.height / 2) / fitted.height];
      dispatch({ type: "view", view: zoomed(state.peek().view, factor, room, fromMiddleX, fromMiddleY) });
    };
    const pan = (x: number, y: number) => {
      const { fitted, room } = now.current;
      dispatch({ type: "view", view: panned(state.peek().view, x / fitted.width, y / fitted.height, room) });
    };
    const at = (x: number, y: number) => {
      const { fitted, seen } = now.current;
      const sheet = placed(state.peek().view, fitted, seen);
      return [(x - sheet.left) / sheet.width, (y - sheet.top) / sheet.height] as const;
    };
    return fingers(frame.current as HTMLDivElement, { zoom, pan, at, hand: () => held.current });
  }, []);

  const onKeyDown = (event: KeyboardEvent) => {
    const taken = hand?.key(event.key, event.shiftKey) ?? false;
    const next = taken ? null : moved(event, view, room, 1 / fit);
    if (!taken && next === null) return;
    event.preventDefault();
    event.stopPropagation();
    if (next !== null) dispatch({ type: "view", view: next });
  };

  return (
    <div
      class={hand === null ? "viewport" : "viewport painting"}
      ref={frame}
      role="application"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no mouse pans with the arrows
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div
        class={magnifies > 1.9 ? "sheet pixelated" : "sheet"}
        style={{
          left: `${sheet.left}px`,
          top: `${sheet.top}px`,
          width: `${sheet.width}px`,
          height: `${sheet.height}px`,
        }}
      >
        {children}
      </div>
      {over?.(sheet)}
    </div>
  );
}

function placed(view: View, fitted: { width: number; height: number }, seen: { width: number; height: number }): Sheet {
  const [width, height] = [fitted.width * view.scale, fitted.height * view.scale];
  const [left, top] = [seen.width / 2 - view.x * width, seen.height / 2 - view.y * height];
  return { left, top, width, height, bottom: seen.height - top - height };
}

/** The view that a key asks for. */
function moved(event: KeyboardEvent, view: View, room: Room, actual: number): View | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  switch (event.key) {
    case "+":
    case "=":
      return zoomed(view, STEP, room);
    case "-":
      return zoomed(view, 1 / STEP, room);
    case "0":
      return zoomed(view, 0, room);
    case "1":
      return zoomed(view, actual / devicePixelRatio / view.scale, room);
    case "ArrowLeft":
      return panned(view, PAN, 0, room);
    case "ArrowRight":
      return panned(view, -PAN, 0, room);
    case "ArrowUp":
      return panned(view, 0, PAN, room);
    case "ArrowDown":
      return panned(view, 0, -PAN, room);
    default:
      return null;
  }
}
