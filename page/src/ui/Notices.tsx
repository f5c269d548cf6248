/** What just happened, what is on its way, and what went wrong. */
import { dispatch, select } from "../state/store";
import { percent, t } from "../text";
import { Icon } from "./Icon";

const notices = select((s) => s.notices);
const uploads = select((s) => s.uploads);
const saving = select((s) => s.saving);
const lost = select((s) => s.access.kind === "open" && !s.live);

export function Notices() {
  return (
    <div class="notices" aria-live="polite">
      {lost.value && <p class="notice lost">{t().lost}</p>}
      {uploads.value.map(({ key, name, share }) => (
        <div key={key} class="notice">
          <span>{t().uploading(name)}</span>
          <progress max={1} value={share} aria-label={percent(share)} />
        </div>
      ))}
      {saving.value !== null && (
        <div class="notice">
          <span>{t().downloading(saving.value.done + 1, saving.value.all)}</span>
          <progress max={saving.value.all} value={saving.value.done} aria-hidden="true" />
        </div>
      )}
      {notices.value.map(({ key, kind, text, job }) => (
        <p key={key} class={`notice ${kind}`} role={kind === "error" ? "alert" : "status"}>
          <span>{text}</span>
          {job !== null && (
            <button
              type="button"
              class="small-button"
              onClick={() => {
                dispatch({ type: "stage", stage: { show: "job", job, snapshot: null } });
                dispatch({ type: "notice-read", key });
              }}
            >
              {t().show}
            </button>
          )}
          <button
            type="button"
            class="square small"
            aria-label={t().close}
            onClick={() => dispatch({ type: "notice-read", key })}
          >
            <Icon name="close" />
          </button>
        </p>
      ))}
    </div>
  );
}
