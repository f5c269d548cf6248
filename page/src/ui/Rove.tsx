/** A list of buttons that is one stop of the Tab key: arrows go from item to item. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { keepStop, rove } from "./roving";

export function Rove({ children, label, ...more }: { class: string; label: string; children: ComponentChildren }) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (list.current) keepStop(list.current); // the item that was it may have gone
  });
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for what is filled in
    <div ref={list} class={more.class} role="group" aria-label={label} onKeyDown={rove}>
      {children}
    </div>
  );
}
