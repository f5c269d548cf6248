/** Above the pictures: what is on the stage, and how it stands. */
import { draft, editing, isUnderWay, photo, shown, stage } from "../state/selectors";
import { dispatch, select } from "../state/store";
import { lasting, percent, t, when } from "../text";
import { stateInWords } from "../text/jobWords";
import { Icon } from "./Icon";
import { restInWords } from "./Regions";

const preview = select((s) => s.preview);

export function StageHead() {
  const job = shown.value;
  if (stage.value.show === "draft" || job === null) return <DraftHead />;
  return (
    <div class="stage-head">
      <button type="button" class="quiet-button" onClick={() => dispatch({ type: "stage", stage: { show: "draft" } })}>
        <Icon name="back" />
        {t().backToDraft}
      </button>
      <span class={`chip ${job.state}`} role="status">
        {stateInWords(job)}
        {job.state === "running" && job.progress && ` ${percent(job.progress.share)}`}
      </span>
      {!isUnderWay(job) && <span class="quiet when">{when(job.ended ?? job.created)}</span>}
    </div>
  );
}

function DraftHead() {
  const { state, error } = preview.value;
  if (editing.value !== null) {
    return (
      <div class="stage-head" role="status">
        <span class="chip">{t().brushHelp}</span>
        <span class="quiet">
          {t().rest}: {restInWords()}
        </span>
      </div>
    );
  }
  if (draft.value.texture) {
    return (
      <div class="stage-head">
        <span class="chip">{t().textureOf}</span>
      </div>
    );
  }
  const words = { none: null, busy: t().previewBusy, shown: t().preview, failed: t().previewFailed }[state];
  return (
    <div class="stage-head" role="status">
      {photo.value !== null && words !== null && <span class={`chip preview-${state}`}>{words}</span>}
      {photo.value?.moving && (
        <span class="quiet">{t().clipFacts(photo.value.moving.frames, lasting(photo.value.moving.seconds))}</span>
      )}
      {error !== null && <span class="quiet">{error}</span>}
    </div>
  );
}
