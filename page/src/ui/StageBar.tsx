/** Below the pictures: zoom, before and after, side by side. */
import { computed } from "@preact/signals";
import { draft, photo, shown, stage } from "../state/selectors";
import { dispatch, select } from "../state/store";
import { percent, t } from "../text";
import { focusStage } from "./focus";
import { Icon, type IconName } from "./Icon";
import { magnified } from "./Viewport";

const split = select((s) => s.split);
/** What is zoomed: all but frames side by side, and films, which have a player of their own. */
const zooms = computed(() => {
  const on = stage.value;
  if (on.show === "draft") return !draft.value.film;
  return on.show === "pair" || on.snapshot !== null || !shown.value?.film;
});
const previewed = select((s) => Object.keys(s.preview.layers).length > 0);

export function StageBar() {
  const on = stage.value;
  const job = shown.value;
  if (on.show === "draft" && photo.value === null && !draft.value.texture) return null;
  const comparable = on.show === "draft" ? previewed.value : (job?.revision ?? 0) > 0 && job?.request.photo !== null;

  return (
    <div class="stage-bar" role="toolbar" aria-label={t().stage}>
      {zooms.value && <Zoom />}
      {(on.show === "draft" || job?.request.clip === null) && (
        <Tool
          icon="split"
          label={t().beforeAfter}
          pressed={split.value !== null}
          disabled={!comparable}
          onClick={() => dispatch({ type: "split", split: split.value === null ? 0.5 : null })}
        />
      )}
      {on.show !== "draft" && job !== null && (
        <Tool
          icon="pair"
          label={t().sideBySide}
          pressed={on.show === "pair"}
          onClick={() =>
            dispatch({
              type: "stage",
              stage:
                on.show === "pair"
                  ? { show: "job", job: job.id, snapshot: null }
                  : { show: "pair", job: job.id, other: null },
            })
          }
        />
      )}
    </div>
  );
}

function Zoom() {
  return (
    <>
      <Tool icon="minus" label={t().zoomOut} onClick={() => focusStage("-")} />
      <output class="zoom">{percent(magnified.value)}</output>
      <Tool icon="plus" label={t().zoomIn} onClick={() => focusStage("+")} />
      <Tool icon="fit" label={t().fit} onClick={() => focusStage("0")} />
      <Tool icon="pixels" label={t().pixels} onClick={() => focusStage("1")} />
      <span class="gap" />
    </>
  );
}

interface ToolProps {
  icon: IconName;
  label: string;
  pressed?: boolean;
  disabled?: boolean;
  onClick: () => void;
}

export function Tool({ icon, label, pressed, disabled = false, onClick }: ToolProps) {
  return (
    <button
      type="button"
      class="square"
      title={label}
      aria-label={label}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
