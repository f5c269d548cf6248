/** The one button that everything leads to. */
import { paint } from "../effects/commands";
import { lacks } from "../state/applies";
import { draft } from "../state/selectors";
import { t } from "../text";
import { Icon } from "./Icon";

export function PaintButton() {
  const lack = lacks(draft.value);
  const words =
    lack === null
      ? null
      : { photo: t().needPhoto, style: t().needStyle, painting: t().needPainting, mask: t().needMask }[lack];
  return (
    <div class="paint">
      <button
        type="button"
        class="primary large"
        disabled={lack !== null}
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
