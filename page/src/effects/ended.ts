/** Tells that a job has ended to whoever looks at something else; and in the title, to whoever is not here. */
import { effect } from "@preact/signals";
import type { Job } from "../api/types";
import { isUnderWay, stage } from "../state/selectors";
import { select, state } from "../state/store";
import { percent, t } from "../text";
import { looksOf } from "../text/jobWords";
import { tell } from "./notices";

const NAME = document.title;
const jobs = select((s) => s.jobs);

export function tellOfEnds(): void {
  let under: Readonly<Record<string, Job>> = {};
  let unseen = false;
  const entitle = () => {
    const running = Object.values(jobs.peek()).find((job) => job.state === "running");
    const mark = running ? `${percent(running.progress?.share ?? 0)} · ` : unseen ? "✓ " : "";
    document.title = mark + NAME;
  };
  effect(() => {
    const now = jobs.value;
    const ended = Object.keys(under).flatMap((id) => {
      const job = now[id];
      return job !== undefined && !isUnderWay(job) ? [job] : [];
    });
    under = Object.fromEntries(Object.entries(now).filter(([, job]) => isUnderWay(job)));
    for (const job of ended) if (job.state !== "cancelled") told(job);
    if (ended.length > 0 && document.hidden) unseen = true;
    entitle();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) unseen = false;
    entitle();
  });
}

function told(job: Job): void {
  const on = stage.peek();
  if (on.show !== "draft" && on.job === job.id && !document.hidden && state.peek().dialog === null) return;
  const name = looksOf(job);
  if (job.state === "done") tell(t().isDone(name), "news", job.id);
  else tell(t().hasFailed(name), "error", job.id);
}
