/** What is being painted, and what waits. */
import { addresses } from "../api/client";
import type { Job } from "../api/types";
import { cancel, move, showJob } from "../effects/commands";
import { queue, shown, subjectOf } from "../state/selectors";
import { t } from "../text";
import { briefly } from "../text/jobWords";
import { Tool } from "./StageBar";

export function Queue() {
  const jobs = queue.value;
  if (jobs.length === 0) return null;
  const waiting = jobs.filter(({ state }) => state === "waiting");
  return (
    <section class="queue" aria-labelledby="queue">
      <h2 id="queue">{t().queue}</h2>
      <ol>
        {jobs.map((job) => (
          <Row
            key={job.id}
            job={job}
            before={waiting[waiting.indexOf(job) - 1] ?? null}
            after={(job.state === "waiting" && waiting[waiting.indexOf(job) + 1]) || null}
          />
        ))}
      </ol>
    </section>
  );
}

interface RowProps {
  job: Job;
  /** Which of this visitor's wait before it and after it: between them others' may. */
  before: Job | null;
  after: Job | null;
}

function Row({ job, before, after }: RowProps) {
  const photo = subjectOf(job);
  return (
    <li class={shown.value?.id === job.id ? "queued now" : "queued"}>
      <button type="button" class="queued-show" onClick={() => showJob(job)}>
        {photo !== null && <img src={addresses.picture(photo.id, 96)} alt="" />}
        <span>
          {briefly(job)}
          {job.state === "running" && <progress max={1} value={job.progress?.share ?? 0} aria-label={t().running} />}
        </span>
      </button>
      {job.state === "waiting" && (
        <>
          <Tool icon="up" label={t().sooner} disabled={before === null} onClick={() => void change(job, before)} />
          <Tool icon="down" label={t().later} disabled={after === null} onClick={() => void change(job, after)} />
        </>
      )}
      <Tool
        icon={job.state === "waiting" ? "close" : "stop"}
        label={job.state === "waiting" ? t().cancelWaiting : t().cancel}
        onClick={() => void cancel(job)}
      />
    </li>
  );
}

/** Let a job wait where another of the visitor's does. */
async function change(job: Job, place: Job | null): Promise<void> {
  if (typeof place?.position === "number") await move(job, place.position);
}
