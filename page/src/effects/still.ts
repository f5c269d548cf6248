/** Notices that what is being painted has told of no step for a while: at a larger size the first takes minutes. */
import { effect } from "@preact/signals";
import { step } from "../state/reducer";
import { dispatch, select } from "../state/store";

const PATIENCE = 10_000;

export function watchSteps(): void {
  const running = select((s) => Object.values(s.jobs).find((job) => job.state === "running")?.id ?? null);
  const last = select((s) => step(Object.values(s.jobs).find((job) => job.state === "running")));
  let waiting: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    last.value;
    const id = running.value;
    clearTimeout(waiting);
    if (id !== null) waiting = setTimeout(() => dispatch({ type: "still", id }), PATIENCE);
  });
}
