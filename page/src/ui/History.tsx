/** Every result, in a window; some or all of them may be marked, and downloaded or deleted in one go. */
import { useState } from "preact/hooks";
import { downloadAll } from "../effects/downloads";
import { askedAnew, isUnderWay, jobs } from "../state/selectors";
import { dispatch, select } from "../state/store";
import { t } from "../text";
import { Dialog } from "./Dialog";
import { FORMATS } from "./DownloadMenu";
import { Icon } from "./Icon";
import { ResultTile } from "./Results";
import { Rove } from "./Rove";

const marked = select((s) => s.marked);
const saving = select((s) => s.saving !== null);

export function History() {
  const [all, marks] = [jobs.value, marked.value];
  return (
    <Dialog title={`${t().allResults} (${all.length})`} class="history">
      {all.length > 0 && <Tools />}
      <Rove class="tiles" label={t().allResults}>
        {all.map((job, index) => (
          <div key={job.id} class="history-item">
            <ResultTile job={job} first={index === 0} marks={marks} />
            {marks === null && (
              <button
                type="button"
                class="quiet-button"
                onClick={() => {
                  dispatch({ type: "again", request: askedAnew(job) });
                  dispatch({ type: "dialog", dialog: null });
                }}
              >
                <Icon name="again" />
                {t().again}
              </button>
            )}
          </div>
        ))}
      </Rove>
    </Dialog>
  );
}

/** What can be done with several. */
function Tools() {
  const [format, setFormat] = useState("png");
  const marks = marked.value;
  const mark = (ids: readonly string[] | null) => dispatch({ type: "marked", ids });
  if (marks === null)
    return (
      <div class="row history-tools">
        <button type="button" onClick={() => mark([])}>
          <Icon name="mark" />
          {t().markSeveral}
        </button>
      </div>
    );
  const ended = jobs.value.filter((job) => !isUnderWay(job)).map(({ id }) => id);
  const chosen = jobs.value.filter(({ id }) => marks.includes(id));
  const every = marks.length === ended.length;
  return (
    <div class="row history-tools" role="toolbar" aria-label={t().markSeveral}>
      <span role="status">{t().markedCount(marks.length)}</span>
      <button type="button" class="quiet-button" onClick={() => mark(every ? [] : ended)}>
        {every ? t().markNone : t().markAll}
      </button>
      <span class="gap" />
      <select value={format} aria-label={t().downloadAs} onChange={(event) => setFormat(event.currentTarget.value)}>
        {FORMATS().map(([each, name]) => (
          <option key={each} value={each}>
            {name}
          </option>
        ))}
      </select>
      <button
        type="button"
        disabled={marks.length === 0 || saving.value}
        onClick={() => void downloadAll(chosen, format)}
      >
        <Icon name="download" />
        {t().download}
      </button>
      <button
        type="button"
        disabled={marks.length === 0}
        onClick={() => dispatch({ type: "dialog", dialog: { kind: "jobs", ids: marks } })}
      >
        <Icon name="trash" />
        {t().removeResult}
      </button>
      <button type="button" onClick={() => mark(null)}>
        {t().done}
      </button>
    </div>
  );
}
