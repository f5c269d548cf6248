/** How a job stands, in words. */
import type { Job } from "../api/types";
import { parsedShares } from "../state/draft";
import { pictureOf } from "../state/selectors";
import { learntStyle, shortly, t, title } from ".";

/** What it is painted like: its paintings, those of its regions, or learnt styles; empty where all of them are gone. */
export function looksOf({ request }: Job): string {
  const learnt = parsedShares(request.style_index).map(({ id }) => learntStyle(id));
  const whole = [paintingsOf(request.styles), learnt.join(" + ")];
  const regions = paintingsOf(request.regions);
  return [...whole, regions && t().inRegions(regions)].filter(Boolean).join(", ");
}

/** What those that are still here are called. */
export function paintingsOf(all: readonly { readonly painting: string }[]): string {
  const names = all.flatMap(({ painting }) => pictureOf(painting)?.name ?? []);
  return [...new Set(names.map(title))].join(" + ");
}

/** When it ended, and what it is painted like; of one that has not been painted to its end, how it stands. */
export function briefly(job: Job): string {
  const first = job.state === "done" ? shortly(job.ended ?? job.created) : stateInWords(job);
  return [first, looksOf(job)].filter(Boolean).join(" · ");
}

export function stateInWords(job: Job): string {
  switch (job.state) {
    case "waiting":
      return job.position === null ? t().waiting : t().waitingAt(job.position);
    case "running":
      return t().running;
    case "done":
      return t().doneState;
    case "cancelled":
      return t().cancelled;
    case "failed":
      return t().failed;
  }
}
