/** Below the stage: all that was painted, newest first. */
import { addresses } from "../api/client";
import type { Job } from "../api/types";
import { showJob } from "../effects/commands";
import { isUnderWay, jobs, stage, subjectOf } from "../state/selectors";
import { dispatch } from "../state/store";
import { percent, t, when } from "../text";
import { briefly, stateInWords } from "../text/jobWords";
import { Icon } from "./Icon";
import { Rove } from "./Rove";
import { Tile } from "./Tile";

const SIDE = 192;
const IN_STRIP = 40;

export function Results() {
  const all = jobs.value;
  return (
    <section class="results" aria-labelledby="results">
      <header>
        <h2 id="results">
          {t().results} {all.length > 0 && <span class="quiet">{all.length}</span>}
        </h2>
        {all.length > 0 && (
          <button type="button" class="quiet-button" onClick={() => dispatch({ type: "dialog", dialog: "history" })}>
            {t().allResults}
          </button>
        )}
      </header>
      {all.length === 0 ? (
        <p class="quiet">{t().noResults}</p>
      ) : (
        <Rove class="strip" label={t().results}>
          {all.slice(0, IN_STRIP).map((job, index) => (
            <ResultTile key={job.id} job={job} first={index === 0} />
          ))}
        </Rove>
      )}
    </section>
  );
}

function toggled(ids: readonly string[], id: string): readonly string[] {
  return ids.includes(id) ? ids.filter((each) => each !== id) : [...ids, id];
}

/** Its picture, or as long as there is none, its photo or clip. */
function sourceOf(job: Job): string | null {
  if (job.revision > 0) return addresses.result(job.id, job.revision, SIDE);
  const subject = subjectOf(job);
  return subject && addresses.picture(subject.id, SIDE);
}

interface ResultTileProps {
  job: Job;
  first: boolean;
  /** Those that are marked, where a click marks and shows nothing. */
  marks?: readonly string[] | null;
}

export function ResultTile({ job, first, marks = null }: ResultTileProps) {
  const on = stage.value;
  const markable = marks !== null && !isUnderWay(job);
  const shown = on.show !== "draft" && (on.job === job.id || (on.show === "pair" && on.other === job.id));
  return (
    <Tile
      source={sourceOf(job)}
      name={briefly(job)}
      label={`${briefly(job)}: ${t().resultNumber(when(job.ended ?? job.created))}, ${stateInWords(job)}`}
      chosen={marks === null ? shown : marks.includes(job.id)}
      first={first}
      disabled={marks !== null && !markable}
      onChoose={() => (marks === null ? showJob(job) : dispatch({ type: "marked", ids: toggled(marks, job.id) }))}
    >
      {markable && <span class="mark">{marks.includes(job.id) && <Icon name="check" />}</span>}
      {isUnderWay(job) && (
        <span class="badge" data-says={job.state === "running" ? percent(job.progress?.share ?? 0) : "…"} />
      )}
      {job.film && <span class="badge" data-says="▶" />}
      {job.state === "failed" && !job.film && <span class="badge failed" data-says="!" />}
    </Tile>
  );
}
