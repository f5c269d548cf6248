/** What just happened, what is on its way, and what went wrong. */
import { dispatch, select } from "../state/store";
import { percent, t } from "../text";
import { Icon } from "./Icon";

const notices = select((s) => s.notices);
const uploads = select((s) => s.uploads);
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
      {notices.value.map(({ key, kind, text }) => (
        <p key={key} class={`notice ${kind}`} role={kind === "error" ? "alert" : "status"}>
          <span>{text}</span>
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
