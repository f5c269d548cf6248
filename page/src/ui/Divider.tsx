/** The slider between before and after. */
import { useRef } from "preact/hooks";
import { dispatch, select, state } from "../state/store";
import { t } from "../text";
import type { Sheet } from "./Viewport";

const split = select((s) => s.split);
const STEP = 0.05;

/** How the picture after is clipped. */
export function useSplit(): { after: { clipPath: string } } {
  return { after: { clipPath: split.value === null ? "none" : `inset(0 0 0 ${split.value * 100}%)` } };
}

export function Divider({ sheet, after }: { sheet: Sheet; after: string }) {
  const line = useRef<HTMLDivElement>(null);
  if (split.value === null) return null;
  const to = (share: number) => dispatch({ type: "split", split: Math.min(1, Math.max(0, share)) });
  const onKeyDown = (event: KeyboardEvent) => {
    const at = state.peek().split ?? 0.5;
    const next = { ArrowLeft: at - STEP, ArrowRight: at + STEP, Home: 0, End: 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    to(next);
  };
  const onPointerMove = (event: PointerEvent) => {
    const frame = line.current?.parentElement?.getBoundingClientRect();
    if (frame && line.current?.hasPointerCapture(event.pointerId))
      to((event.clientX - frame.left - sheet.left) / sheet.width);
  };
  return (
    <div
      ref={line}
      data-own
      class="divider"
      role="slider"
      tabIndex={0}
      aria-label={t().beforeAfterSlider}
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(split.value * 100)}
      style={{
        left: `${sheet.left + split.value * sheet.width}px`,
        top: `${Math.max(0, sheet.top)}px`,
        bottom: `${Math.max(0, sheet.bottom)}px`,
      }}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={onPointerMove}
    >
      <span class="divider-label before">{t().original}</span>
      <span class="divider-grip" />
      <span class="divider-label">{after}</span>
    </div>
  );
}
