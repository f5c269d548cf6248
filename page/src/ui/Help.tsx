/** What the page can do, in a few lines, and its keys. */
import { t } from "../text";
import { Dialog } from "./Dialog";

export function Help() {
  const { keys } = t();
  const shortcuts: readonly (readonly [keys: string, meaning: string])[] = [
    ["P", keys.paint],
    ["Esc", keys.back],
    ["B", keys.compare],
    ["O", keys.hold],
    ["+  −", keys.zoom],
    ["0  1", keys.fit],
    ["← ↑ → ↓", keys.pan],
    ["R", keys.region],
    ["[  ]", keys.brushSize],
    ["E", keys.eraser],
    ["Ctrl Z  Ctrl Shift Z", keys.undo],
    ["Delete", keys.remove],
    ["H", keys.history],
    ["?", keys.help],
  ];
  return (
    <Dialog title={t().help} class="help-dialog">
      <p>{t().helpIntro}</p>
      <p>{t().helpRestore}</p>
      <h3>{t().shortcuts}</h3>
      <dl class="keys">
        {shortcuts.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              {key.split("  ").map((each) => (
                <kbd key={each}>{each}</kbd>
              ))}
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
