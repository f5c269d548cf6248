/** Asks before anything is deleted, and elsewhere than it was clicked: whoever clicks twice deletes nothing. */
import { removeJob, removeJobs, removePicture } from "../effects/commands";
import type { Doomed } from "../state/model";
import { jobOf, madeOf, pictureOf, regions } from "../state/selectors";
import { dispatch } from "../state/store";
import { t, title, when } from "../text";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";
import { regionName } from "./Regions";

export const askToRemove = (kind: "picture" | "job" | "region", id: string) =>
  dispatch({ type: "dialog", dialog: { kind, id } });

export function Remove({ doomed }: { doomed: Doomed }) {
  const back = doomed.kind === "jobs" ? "history" : null;
  const made = doomed.kind === "picture" ? madeOf(doomed.id) : 0;
  return (
    <Dialog
      title={doomed.kind === "jobs" ? t().removeSeveral(doomed.ids.length) : t().removeSure(nameOf(doomed))}
      class="remove"
      back={back}
    >
      <p>{made > 0 ? t().removeUsed(made) : t().removeHelp}</p>
      <div class="row">
        <button type="button" onClick={() => dispatch({ type: "dialog", dialog: back })}>
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

function remove(doomed: Doomed): void {
  dispatch({ type: "dialog", dialog: doomed.kind === "jobs" ? "history" : null });
  if (doomed.kind === "jobs") void removeJobs(doomed.ids);
  else if (doomed.kind === "region") dispatch({ type: "region-removed", key: doomed.id });
  else if (doomed.kind === "job") void removeJob(doomed.id);
  else void removePicture(doomed.id);
}

function nameOf({ kind, id }: Exclude<Doomed, { kind: "jobs" }>): string {
  if (kind === "picture") return title(pictureOf(id)?.name ?? "");
  if (kind === "job") return t().resultNumber(when(jobOf(id)?.ended ?? jobOf(id)?.created ?? ""));
  const index = regions.value.findIndex(({ key }) => key === id);
  const region = regions.value[index];
  return region === undefined ? "" : regionName(region, index);
}
