/** Parts of the photo that have a painting of their own. */
import { addresses } from "../api/client";
import type { Region } from "../state/model";
import { isPainted } from "../state/regions";
import { draft, editing, photo, pictureOf, regions } from "../state/selectors";
import { dispatch } from "../state/store";
import { t } from "../text";
import { Icon } from "./Icon";

export function Regions() {
  if (photo.value === null) return null;
  const learnt = draft.value.look.network !== null;
  return (
    <section class="regions" aria-labelledby="regions">
      <header>
        <h2 id="regions">{t().regions}</h2>
        <button type="button" class="quiet-button" disabled={learnt} onClick={addRegion}>
          <Icon name="add" />
          {t().addRegion}
        </button>
      </header>
      {regions.value.length === 0 && <p class="quiet">{learnt ? t().regionsNotLearnt : t().regionsHelp}</p>}
      <ol class="region-list">
        {regions.value.map((region, index) => (
          <Row key={region.key} region={region} name={t().region(index + 1)} />
        ))}
      </ol>
    </section>
  );
}

export function addRegion(): void {
  const key = crypto.getRandomValues(new Uint32Array(2)).join("-");
  dispatch({ type: "region-added", region: { key, painting: null } });
}

function Row({ region, name }: { region: Region; name: string }) {
  const painting = pictureOf(region.painting);
  const lack = !isPainted(region) ? t().regionUnpainted : painting === null ? t().regionNoPainting : null;
  const now = editing.value === region.key;
  return (
    <li class={now ? "region now" : "region"}>
      <span class={`tint tint-${region.tint}`} />
      {painting === null ? (
        <span class="region-thumb" />
      ) : (
        <img class="region-thumb" src={addresses.picture(painting.id, 96)} alt="" />
      )}
      <span class="region-words">
        <strong>{name}</strong>
        <small>{lack ?? painting?.name}</small>
      </span>
      <button
        type="button"
        class="square"
        aria-pressed={now}
        title={t().editRegion(name)}
        aria-label={t().editRegion(name)}
        onClick={() => dispatch({ type: "paint-region", key: now ? null : region.key })}
      >
        <Icon name="brush" />
      </button>
      <button
        type="button"
        class="square"
        title={t().removePicture(name)}
        aria-label={t().removePicture(name)}
        onClick={() => dispatch({ type: "region-removed", key: region.key })}
      >
        <Icon name="trash" />
      </button>
    </li>
  );
}
