/** Painting the mask of a region. */
import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { drawn, maskOf } from "../effects/masks";
import type { Dab } from "../state/model";
import { editing, regions } from "../state/selectors";
import { dispatch, select, state } from "../state/store";
import { percent, t } from "../text";
import { Slider } from "./fields";
import type { Hand } from "./fingers";
import { Icon } from "./Icon";
import type { Sheet } from "./Viewport";

const brush = select((s) => s.brush);

/** Where the brush is over the picture, in shares of it. */
const place = signal<readonly [x: number, y: number]>([0.5, 0.5]);

/** What a pointer on the stage does while a region is painted; null while none is. */
export function useBrush(): Hand | null {
  const dabs = useRef<Dab[]>([]);
  const key = editing.value;
  const region = regions.value.find((each) => each.key === key);
  if (key === null || region === undefined || region.found !== null) return null;

  const add = (x: number, y: number, pressure: number) => {
    const dab: Dab = [x, y, pressure];
    maskOf(key)?.dabs(state.peek().brush, dabs.current.at(-1) ?? null, dab);
    dabs.current.push(dab);
    place.value = [x, y];
    drawn.value++;
  };
  const end = () => {
    const stroke = { ...state.peek().brush, dabs: dabs.current };
    dabs.current = [];
    if (stroke.dabs.length === 0) return;
    maskOf(key)?.claim(stroke);
    dispatch({ type: "stroke", key, stroke });
  };
  return {
    down: add,
    move: add,
    up: end,
    cancel: () => {
      dabs.current = [];
      maskOf(key)?.redraw(regions.peek().find((region) => region.key === key)?.strokes ?? []);
      drawn.value++;
    },
    hover: (x, y) => {
      place.value = [x, y];
    },
    key: (name, fast) => {
      const to = moved(name, fast ? 0.1 : 0.02);
      if (to !== null) place.value = to;
      else if (name === " ") {
        add(...place.peek(), 1);
        end();
      } else return false;
      return true;
    },
  };
}

function moved(key: string, step: number): readonly [number, number] | null {
  const [x, y] = place.peek();
  const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[key];
  if (by === undefined) return null;
  return [Math.min(1, Math.max(0, x + (by[0] ?? 0))), Math.min(1, Math.max(0, y + (by[1] ?? 0)))];
}

/** A ring as large as the brush. It follows the pointer; arrows move it, and the space bar paints. */
export function BrushCursor({ sheet }: { sheet: Sheet }) {
  const [x, y] = place.value;
  const across = `${brush.value.size * Math.max(sheet.width, sheet.height)}px`;
  const at = { left: `${sheet.left + x * sheet.width}px`, top: `${sheet.top + y * sheet.height}px` };
  return <span class="brush-ring" style={{ ...at, width: across, height: across }} />;
}

/** Nothing is painted where the server finds the region by itself. */
function FoundBar() {
  return (
    <div class="brush-bar">
      <span>{t().foundHelp}</span>
      <button type="button" class="primary" onClick={() => dispatch({ type: "paint-region", key: null })}>
        {t().done}
      </button>
    </div>
  );
}

export function BrushBar() {
  const region = regions.value.find(({ key }) => key === editing.value);
  if (region === undefined) return null;
  if (region.found !== null) return <FoundBar />;
  const { size, softness, erase } = brush.value;
  const { key } = region;
  return (
    <div class="brush-bar" role="toolbar" aria-label={t().brush}>
      <fieldset class="segments" aria-label={t().brush}>
        <div class="segments-row">
          {([false, true] as const).map((erases) => (
            <label key={String(erases)} title={erases ? t().eraser : t().brush}>
              <input
                type="radio"
                name="brush"
                checked={erases === erase}
                onChange={() => dispatch({ type: "brush", brush: { erase: erases } })}
              />
              <span>
                <Icon name={erases ? "eraser" : "brush"} />
                <span class="unseen">{erases ? t().eraser : t().brush}</span>
              </span>
            </label>
          ))}
        </div>
      </fieldset>
      <Slider
        label={t().brushSize}
        value={size}
        least={0.01}
        most={0.5}
        step={0.01}
        shown={percent(size)}
        onInput={(value) => dispatch({ type: "brush", brush: { size: value } })}
      />
      <Slider
        label={t().softness}
        value={softness}
        least={0}
        most={1}
        step={0.05}
        shown={percent(softness)}
        onInput={(value) => dispatch({ type: "brush", brush: { softness: value } })}
      />
      <button
        type="button"
        class="square"
        disabled={region.strokes.length === 0}
        title={t().undo}
        aria-label={t().undo}
        onClick={() => dispatch({ type: "undo", key })}
      >
        <Icon name="undo" />
      </button>
      <button
        type="button"
        class="square"
        disabled={region.undone.length === 0}
        title={t().redo}
        aria-label={t().redo}
        onClick={() => dispatch({ type: "redo", key })}
      >
        <Icon name="redo" />
      </button>
      <button type="button" class="primary" onClick={() => dispatch({ type: "paint-region", key: null })}>
        {t().done}
      </button>
    </div>
  );
}
