/** Parts of the photo that have a painting of their own. */
import { addresses } from "../api/client";
import type { Found, Region } from "../state/model";
import { isPainted } from "../state/regions";
import { draft, editing, lookNames, photo, pictureOf, regions } from "../state/selectors";
import { dispatch } from "../state/store";
import { t, title } from "../text";
import { Icon, type IconName } from "./Icon";
import { askToRemove } from "./Remove";

export function Regions() {
  if (photo.value === null || draft.value.film) return null;
  const learnt = draft.value.look.network !== null;
  return (
    <section class="regions" aria-labelledby="regions">
      <header>
        <h2 id="regions">{t().regions}</h2>
      </header>
      <p class="quiet">{learnt ? t().regionsNotLearnt : t().regionsHelp}</p>
      <div class="row">
        <AddButton icon="brush" words={t().regionPainted} disabled={learnt} onClick={() => addRegion(null)} />
        <AddButton icon="face" words={t().faces} disabled={learnt || has("faces")} onClick={() => addRegion("faces")} />
        <AddButton
          icon="person"
          words={t().people}
          disabled={learnt || has("people")}
          onClick={() => addRegion("people")}
        />
      </div>
      <ol class="region-list">
        {regions.value.map((region, index) => (
          <Row key={region.key} region={region} name={regionName(region, index)} />
        ))}
        {regions.value.length > 0 && <Rest />}
      </ol>
    </section>
  );
}

export function regionName(region: Region, index: number): string {
  return region.found === null ? t().region(index + 1) : t()[region.found];
}

function AddButton({
  icon,
  words,
  disabled,
  onClick,
}: {
  icon: IconName;
  words: string;
  disabled: boolean;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      class="small-button"
      disabled={disabled}
      aria-label={`${t().addRegion}: ${words}`}
      onClick={onClick}
    >
      <Icon name={icon} />
      {words}
    </button>
  );
}

function has(found: Found): boolean {
  return regions.value.some((region) => region.found === found);
}

/** Painted by hand, or found by the server. */
export function addRegion(found: Found | null): void {
  const key = found ?? crypto.getRandomValues(new Uint32Array(2)).join("-");
  dispatch({ type: "region-added", region: { key, found } });
}

/** What all other parts follow. */
function Rest() {
  const painting = draft.value.look.network === null ? pictureOf(draft.value.look.mix[0]?.id ?? null) : null;
  return (
    <li class="region rest">
      <span class="tint" />
      {painting === null ? (
        <span class="region-thumb" />
      ) : (
        <img class="region-thumb" src={addresses.picture(painting.id, 96)} alt="" />
      )}
      <span class="region-words">
        <strong>{t().rest}</strong>
        <small>{restInWords()}</small>
      </span>
    </li>
  );
}

/** The paintings of what no region covers. */
export function restInWords(): string {
  return lookNames.value.map(title).join(" + ") || t().restPhoto;
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
        <small>{lack ?? (painting && title(painting.name))}</small>
      </span>
      <button
        type="button"
        class="square"
        aria-pressed={now}
        title={t().editRegion(name)}
        aria-label={t().editRegion(name)}
        onClick={() => dispatch({ type: "paint-region", key: now ? null : region.key })}
      >
        <Icon name={region.found === null ? "brush" : "palette"} />
      </button>
      <button
        type="button"
        class="square"
        title={t().removePicture(name)}
        aria-label={t().removePicture(name)}
        onClick={() => askToRemove("region", region.key)}
      >
        <Icon name="trash" />
      </button>
    </li>
  );
}
