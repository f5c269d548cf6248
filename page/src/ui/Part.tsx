/** The part of a clip that becomes the film: two handles or two numbers, and the frames that it is between. */
import { useEffect, useState } from "preact/hooks";
import { addresses } from "../api/client";
import type { Moving, Picture } from "../api/types";
import { moved, ownSpan, placeOf, placesOf, type Span, spanOf, timeAt } from "../state/part";
import { draft } from "../state/selectors";
import { dispatch } from "../state/store";
import { seconds, t, title } from "../text";
import { Steady } from "./Pictures";

const REST = 200;
const SIDE = 256;
const ENDS = ["start", "end"] as const;

export function PartOfClip({ clip, moving }: { clip: Picture; moving: Moving }) {
  const [span, own] = [spanOf(draft.value.part, moving), ownSpan(moving)];
  const share = (time: number) => `${(100 * (time - own.start)) / (own.end - own.start)}%`;
  const move = (which: keyof Span, to: number) =>
    Number.isNaN(to) || dispatch({ type: "part", part: moved(draft.value.part, moving, which, to) });
  return (
    <fieldset class="field part">
      <legend class="field-label">{t().part}</legend>
      <div class="part-frames">
        {ENDS.map((which) => (
          <Moment key={which} clip={clip} moving={moving} time={span[which]} edge={which} />
        ))}
      </div>
      <div class="part-handles">
        <span class="part-chosen" style={{ left: share(span.start), right: `calc(100% - ${share(span.end)})` }} />
        {ENDS.map((which) => (
          <input
            key={which}
            type="range"
            class={which}
            // Where both are at the far right, it is the start that can go on.
            style={{ zIndex: which === "start" && span.start > (own.start + own.end) / 2 ? 1 : 0 }}
            min={0}
            max={placesOf(moving)}
            value={placeOf(span[which], moving)}
            aria-label={which === "start" ? t().partFrom : t().partTo}
            aria-valuetext={seconds(span[which])}
            onInput={(event) => {
              move(which, timeAt(event.currentTarget.valueAsNumber, moving));
              // It stops at the other one, wherever the hand goes on to.
              event.currentTarget.value = String(placeOf(spanOf(draft.peek().part, moving)[which], moving));
            }}
          />
        ))}
      </div>
      <div class="part-numbers">
        {ENDS.map((which) => (
          <label key={which}>
            <span class="quiet">{which === "start" ? t().partFrom : t().partTo}</span>
            <input
              type="number"
              name={which}
              min={Number(own.start.toFixed(3))}
              max={Number(own.end.toFixed(3))}
              step="any"
              value={Number(span[which].toFixed(3))}
              onChange={(event) => {
                move(which, event.currentTarget.valueAsNumber);
                event.currentTarget.value = String(Number(spanOf(draft.peek().part, moving)[which].toFixed(3)));
              }}
            />
            <span class="quiet">{t().second}</span>
          </label>
        ))}
        <button
          type="button"
          class="quiet-button"
          disabled={draft.value.part === null}
          onClick={() => dispatch({ type: "part", part: { start: null, end: null } })}
        >
          {t().partWhole}
        </button>
      </div>
    </fieldset>
  );
}

/** The first frame of the film, or its last, that starts or ends at a time, once the handle rests there. */
interface MomentProps {
  clip: Picture;
  moving: Moving;
  time: number;
  edge: keyof Span;
}

function Moment({ clip, moving, time, edge }: MomentProps) {
  const [rests, rest] = useState(time);
  useEffect(() => {
    const waiting = setTimeout(() => rest(time), REST);
    return () => clearTimeout(waiting);
  }, [time]);
  // When the clip begins is known to the millisecond alone: it may be after its first frame.
  const first = edge === "start" && rests <= moving.begins;
  const name = edge === "start" ? t().partFrom : t().partTo;
  const source = addresses.moment(clip.id, first ? 0 : Number(rests.toFixed(3)), edge, SIDE);
  return (
    <div class="part-frame" style={{ aspectRatio: `${clip.width} / ${clip.height}` }}>
      <Steady source={source} alt={`${title(clip.name)}: ${name} ${seconds(rests)}`} />
    </div>
  );
}
