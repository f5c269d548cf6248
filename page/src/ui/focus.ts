/** Sends a key to the stage, for buttons and shortcuts that do what the stage's own keys do. */
export function focusStage(key: string): void {
  const viewport = document.querySelector<HTMLElement>(".viewport");
  viewport?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
}
