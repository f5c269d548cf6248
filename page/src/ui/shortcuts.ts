/** Keys that work everywhere on the page, save where one types. */
import { paint } from "../effects/commands";
import { stage, takesRegions } from "../state/selectors";
import { dispatch, state } from "../state/store";
import { focusStage } from "./focus";
import { addRegion } from "./Regions";

export function listenToKeys(): () => void {
  const heard = new AbortController();
  document.addEventListener("keydown", onKeyDown, { signal: heard.signal });
  document.addEventListener("keyup", onKeyUp, { signal: heard.signal });
  window.addEventListener("blur", leave, { signal: heard.signal }); // where no key is heard any more
  return () => heard.abort();
}

function onKeyDown(event: KeyboardEvent): void {
  const { target } = event;
  if (state.peek().dialog !== null || event.defaultPrevented) return;
  if (target instanceof HTMLElement && target.matches("input:not([type=range], [type=radio]), select, textarea"))
    return;
  if (event.ctrlKey || event.metaKey) {
    if (event.key.toLowerCase() === "z") undo(event);
    return;
  }
  if (!event.altKey && act(event.key, event.repeat)) event.preventDefault();
}

function undo(event: KeyboardEvent): void {
  const key = state.peek().painting;
  if (key === null) return;
  event.preventDefault();
  dispatch({ type: event.shiftKey ? "redo" : "undo", key });
}

/** Whether the key means anything. */
function act(key: string, repeated: boolean): boolean {
  const { split, brush, painting } = state.peek();
  switch (key.length === 1 ? key.toLowerCase() : key) {
    case "p":
      if (!repeated && stage.peek().show === "draft") void paint();
      return true;
    case "Escape":
      if (painting !== null) dispatch({ type: "paint-region", key: null });
      else dispatch({ type: "stage", stage: { show: "draft" } });
      return true;
    case "b":
      dispatch({ type: "split", split: split === null ? 0.5 : null });
      return true;
    case "o":
      if (!repeated) peek(split);
      return true;
    case "r":
      if (takesRegions.peek()) addRegion(null);
      return true;
    case "e":
      dispatch({ type: "brush", brush: { erase: !brush.erase } });
      return true;
    case "[":
      dispatch({ type: "brush", brush: { size: Math.max(0.01, brush.size / 1.25) } });
      return true;
    case "]":
      dispatch({ type: "brush", brush: { size: Math.min(0.5, brush.size * 1.25) } });
      return true;
    case "h":
      dispatch({ type: "dialog", dialog: "history" });
      return true;
    case "?":
      dispatch({ type: "dialog", dialog: "help" });
      return true;
    case "+":
    case "=":
    case "-":
    case "0":
    case "1":
      focusStage(key);
      return true;
    default:
      return false;
  }
}

let before: number | null | undefined;

/** The photo alone, for as long as the key is held. */
function peek(split: number | null): void {
  before = split;
  dispatch({ type: "split", split: 1 });
}

function onKeyUp(event: KeyboardEvent): void {
  if (event.key.toLowerCase() === "o") leave();
}

function leave(): void {
  if (before === undefined) return;
  dispatch({ type: "split", split: before });
  before = undefined;
}
