/** The server's stream of events: one for the whole page. */
import { addresses } from "./client";
import type { Job, Picture } from "./types";

export interface Listener {
  /** The stream is open, for the first time or again: what was missed must be asked for. */
  opened(): void;
  /** It ended, or was `refused` from the beginning. */
  lost(refused: boolean): void;
  job(job: Job): void;
  picture(picture: Picture): void;
  removed(what: { job?: string; picture?: string }): void;
}

const PATIENCE = 2000;

/** Listens until the returned function is called; a stream that ends is opened anew. */
export function listen(listener: Listener): () => void {
  let source: EventSource;
  let again: ReturnType<typeof setTimeout> | undefined;

  function open(): void {
    source = new EventSource(addresses.events);
    on("hello", () => listener.opened());
    on("job", (data) => listener.job(data as Job));
    on("picture", (data) => listener.picture(data as Picture));
    on("removed", (data) => listener.removed(data as { job?: string; picture?: string }));
    source.onerror = () => {
      // The browser tries again by itself, but not after an answer that was no stream (a proxy's 502).
      const refused = source.readyState === EventSource.CLOSED;
      listener.lost(refused);
      if (refused) again = setTimeout(open, PATIENCE);
    };
  }

  function on(name: string, take: (data: unknown) => void): void {
    source.addEventListener(name, (event) => take(JSON.parse((event as MessageEvent<string>).data)));
  }

  open();
  return () => {
    clearTimeout(again);
    source.close();
  };
}
