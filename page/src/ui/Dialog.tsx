/** A window over the page: the browser's own, which keeps the focus in it and closes on Escape. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { State } from "../state/model";
import { dispatch } from "../state/store";
import { t } from "../text";
import { Icon } from "./Icon";

interface DialogProps {
  title: string;
  class: string;
  /** The window that this one has come from. */
  back?: State["dialog"];
  children: ComponentChildren;
}

export function Dialog({ title, children, back = null, ...more }: DialogProps) {
  const close = () => dispatch({ type: "dialog", dialog: back });
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const own = dialog.current;
    own?.showModal();
    // However it goes, and as long as it is there, the browser gives the focus back to what had it before.
    return () => own?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the key that closes a dialog is Escape, and the browser's
    <dialog
      ref={dialog}
      class={more.class}
      aria-labelledby="dialog-title"
      onClose={(event) => event.currentTarget.isConnected && close()}
      // The second click of a double one, whose first opened it, is none outside.
      onClick={(event) => event.target === dialog.current && event.detail < 2 && close()}
    >
      <header>
        <h2 id="dialog-title">{title}</h2>
        <button type="button" class="square" aria-label={t().close} title={t().close} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}
