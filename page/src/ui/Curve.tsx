/** The loss over the iterations. */
import type { Job } from "../api/types";
import { number, t } from "../text";

const [WIDTH, HEIGHT] = [240, 48];

export function Curve({ job }: { job: Job }) {
  const points = job.curve.map(([iteration, loss]) => ({ iteration, loss }));
  const [first, last] = [points[0], points.at(-1)];
  if (points.length < 2 || first === undefined || last === undefined) return null;
  const losses = points.map(({ loss }) => Math.log(Math.max(loss, 1e-12)));
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const across = (iteration: number) => ((iteration - first.iteration) / (last.iteration - first.iteration)) * WIDTH;
  const down = (loss: number) => ((high - loss) / (high - low || 1)) * (HEIGHT - 4) + 2;
  const line = points.map(
    ({ iteration }, index) => `${across(iteration).toFixed(1)},${down(losses[index] ?? 0).toFixed(1)}`,
  );
  return (
    <figure class="curve">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <polyline points={line.join(" ")} />
      </svg>
      <figcaption class="quiet">
        <span>{t().curve}</span>
        <span title={t().lossHelp}>
          {t().loss} {number(last.loss)}
        </span>
      </figcaption>
    </figure>
  );
}
