/** A list of buttons that is one stop of the Tab key: arrows go from item to item. */
import type { ComponentChildren } from "preact";
import { rove } from "./roving";

export function Rove({ children, label, ...more }: { class: string; label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for what is filled in
    <div class={more.class} role="group" aria-label={label} onKeyDown={rove}>
      {children}
    </div>
  );
}
