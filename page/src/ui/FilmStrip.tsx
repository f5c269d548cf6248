/** The numbered pictures on the way to a result. */
import { addresses } from "../api/client";
import { shown, stage } from "../state/selectors";
import { dispatch } from "../state/store";
import { t } from "../text";
import { Rove } from "./Rove";
import { Tile } from "./Tile";

const SIDE = 128;

export function FilmStrip() {
  const [on, job] = [stage.value, shown.value];
  if (on.show !== "job" || job === null || job.snapshots.length === 0) return null;
  const show = (snapshot: number | null) => dispatch({ type: "stage", stage: { show: "job", job: job.id, snapshot } });
  return (
    <section class="film" aria-label={t().snapshots}>
      <h2>{t().snapshots}</h2>
      <Rove class="strip" label={t().snapshots}>
        {job.snapshots.map(({ iteration }) => (
          <Tile
            key={iteration}
            source={addresses.snapshot(job.id, iteration, SIDE)}
            name={String(iteration)}
            label={(job.request.clip === null ? t().snapshot : t().frameAt)(iteration)}
            chosen={on.snapshot === iteration}
            first={false}
            onChoose={() => show(iteration)}
          />
        ))}
        <Tile
          source={job.revision > 0 ? addresses.result(job.id, job.revision, SIDE) : null}
          name={job.film ? t().film : t().latest}
          chosen={on.snapshot === null}
          first
          onChoose={() => show(null)}
        />
      </Rove>
    </section>
  );
}
