/** How a job stands, in words. */
import type { Job } from "../api/types";
import { t } from "../text";

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
