/** Every result, in a window. */
import { jobs } from "../state/selectors";
import { dispatch } from "../state/store";
import { t } from "../text";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";
import { ResultTile } from "./Results";
import { Rove } from "./Rove";

export function History() {
  return (
    <Dialog title={`${t().allResults} (${jobs.value.length})`} class="history">
      <Rove class="tiles" label={t().allResults}>
        {jobs.value.map((job, index) => (
          <div key={job.id} class="history-item">
            <ResultTile job={job} first={index === 0} />
            <button
              type="button"
              class="quiet-button"
              onClick={() => {
                dispatch({ type: "again", request: job.request });
                dispatch({ type: "dialog", dialog: null });
              }}
            >
              <Icon name="again" />
              {t().again}
            </button>
          </div>
        ))}
      </Rove>
    </Dialog>
  );
}
