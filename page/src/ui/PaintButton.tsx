/** The one button that everything leads to. */
import { paint } from "../effects/commands";
import { lack } from "../state/selectors";
import { select } from "../state/store";
import { t } from "../text";
import { Icon } from "./Icon";

const asking = select((s) => s.asking);

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
          brushed: t().needBrushed,
          regionPainting: t().needRegionPainting,
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
        {words}
      </p>
    </div>
  );
}
