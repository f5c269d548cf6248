/**
 * Notices that what is being painted has told of no step for a while. At a larger size the first takes seconds or
 * minutes, for places in the painting are sought.
 */
import { effect } from "@preact/signals";
import { step } from "../state/reducer";
import { dispatch, select } from "../state/store";

const PATIENCE = 3000;
/** So many times as long as the step before is long. */
const LONG = 3;

export function watchSteps(): void {
  const running = select((s) => Object.values(s.jobs).find((job) => job.state === "running")?.id ?? null);
  const last = select((s) => step(Object.values(s.jobs).find((job) => job.state === "running")));
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let came = 0;
  let of: string | null = null;
  effect(() => {
    last.value;
    const [id, now] = [running.value, performance.now()];
    const took = id === of ? now - came : 0;
    [of, came] = [id, now];
    clearTimeout(waiting);
    if (id !== null) waiting = setTimeout(() => dispatch({ type: "still", id }), Math.max(PATIENCE, LONG * took));
  });
}
