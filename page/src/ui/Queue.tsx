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
  return (
    <section class="queue" aria-labelledby="queue">
      <h2 id="queue">{t().queue}</h2>
      <ol>
        {jobs.map((job) => (
          <Row key={job.id} job={job} last={job === jobs.at(-1)} />
        ))}
      </ol>
    </section>
  );
}

function Row({ job, last }: { job: Job; last: boolean }) {
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
      {job.state === "waiting" && job.position !== null && (
        <>
          <Tool
            icon="up"
            label={t().sooner}
            disabled={job.position === 0}
            onClick={() => void move(job, (job.position ?? 1) - 1)}
          />
          <Tool icon="down" label={t().later} disabled={last} onClick={() => void move(job, (job.position ?? 0) + 1)} />
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
