/** The one button that everything leads to. */
import { paint } from "../effects/commands";
import type { Region } from "../state/model";
import { isPainted } from "../state/regions";
import { lack, regions } from "../state/selectors";
import { select } from "../state/store";
import { bytes, duration, lasting, t } from "../text";
import { Icon } from "./Icon";
import { regionName } from "./Regions";

const asking = select((s) => s.asking);
const estimate = select((s) => s.estimate);

export function PaintButton() {
  const words =
    lack.value === null
      ? null
      : {
          studio: t().needStudio,
          photo: t().needPhoto,
          clip: t().needClip,
          style: t().needStyle,
          painting: t().needPainting,
          brushed: t().needBrushed(nameOf((region) => !isPainted(region))),
          regionPainting: t().needRegionPainting(nameOf(({ painting }) => painting === null)),
          regionMethod: t().needRegionMethod,
          mask: t().needMask,
        }[lack.value];
  return (
    <div class="paint">
      <button
        type="button"
        class="primary large"
        disabled={lack.value !== null || asking.value}
        aria-describedby="paint-lack"
        onClick={() => void paint()}
      >
        <Icon name="brush" />
        {t().paint}
      </button>
      <p class="quiet" id="paint-lack">
        {words ?? estimated()}
      </p>
    </div>
  );
}

/** The name of the first region of a kind. */
function nameOf(kind: (region: Region) => boolean): string {
  const index = regions.value.findIndex(kind);
  const found = regions.value[index];
  return found === undefined ? "" : regionName(found, index);
}

/** What a film will be, and what it takes. */
function estimated(): string | null {
  const { state, value, error } = estimate.value;
  if (value === null) return state === "busy" ? t().estimating : error;
  const film = t().estimateFilm(value.frames, lasting(value.seconds), value.width, value.height);
  return `${film} ${t().estimateCost(duration(value.painting_s), bytes(value.bytes))}`;
}
