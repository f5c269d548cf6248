/** Asks before anything is deleted, and elsewhere than it was clicked: whoever clicks twice deletes nothing. */
import { removeJob, removePicture } from "../effects/commands";
import type { Doomed } from "../state/model";
import { jobOf, madeOf, pictureOf, regions } from "../state/selectors";
import { dispatch } from "../state/store";
import { t, title, when } from "../text";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";
import { regionName } from "./Regions";

export const askToRemove = (kind: Doomed["kind"], id: string) => dispatch({ type: "dialog", dialog: { kind, id } });

export function Remove({ doomed }: { doomed: Doomed }) {
  const made = doomed.kind === "picture" ? madeOf(doomed.id) : 0;
  return (
    <Dialog title={t().removeSure(nameOf(doomed))} class="remove">
      <p>{made > 0 ? t().removeUsed(made) : t().removeHelp}</p>
      <div class="row">
        <button type="button" onClick={() => dispatch({ type: "dialog", dialog: null })}>
          {t().keep}
        </button>
        <button type="button" class="danger" onClick={(event) => event.detail < 2 && remove(doomed)}>
          <Icon name="trash" />
          {t().removeResultSure}
        </button>
      </div>
    </Dialog>
  );
}

function remove({ kind, id }: Doomed): void {
  dispatch({ type: "dialog", dialog: null });
  if (kind === "region") dispatch({ type: "region-removed", key: id });
  else if (kind === "job") void removeJob(id);
  else void removePicture(id);
}

function nameOf({ kind, id }: Doomed): string {
  if (kind === "picture") return title(pictureOf(id)?.name ?? "");
  if (kind === "job") return t().resultNumber(when(jobOf(id)?.ended ?? jobOf(id)?.created ?? ""));
  const index = regions.value.findIndex(({ key }) => key === id);
  const region = regions.value[index];
  return region === undefined ? "" : regionName(region, index);
}
