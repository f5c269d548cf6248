/**
 * Thumbnails that are painted when they are asked for. A browser has six connections to a server, and one is the
 * stream: so these come two at a time, only for tiles that are seen, and never before a preview or an upload.
 */
import { effect } from "@preact/signals";
import { mayPass, refusal } from "../api/client";
import { select } from "../state/store";

interface Wish {
  readonly address: string;
  readonly give: (source: string) => void;
  /** Milliseconds until it is asked for again. */
  patience: number;
}

const AT_ONCE = 2;
const PATIENCE = 5000;

const made = new Map<string, string>();
let wishes: Wish[] = [];
/** Those that nobody has any more need not be asked for again. */
const dropped = new WeakSet<Wish>();
let running = 0;

const busy = select((s) => s.preview.state === "busy" || s.uploads.length > 0);
effect(() => {
  if (!busy.value) next();
});

/** Gives the picture's address as soon as it is there, unless the returned function was called. */
export function wishFor(address: string, give: (source: string) => void): () => void {
  const there = made.get(address);
  if (there !== undefined) {
    give(there);
    return () => {};
  }
  const wish = { address, give, patience: PATIENCE };
  wishes.push(wish);
  next();
  return () => {
    dropped.add(wish);
    wishes = wishes.filter((each) => each !== wish);
  };
}

function next(): void {
  while (running < AT_ONCE && !busy.peek()) {
    const wish = wishes.shift();
    if (wish === undefined) return;
    running++;
    void fulfil(wish).finally(() => {
      running--;
      next();
    });
  }
}

async function fulfil(wish: Wish): Promise<void> {
  const response = await fetch(wish.address, { priority: "low" }).catch(() => null);
  if (response?.ok) {
    const source = made.get(wish.address) ?? URL.createObjectURL(await response.blob());
    made.set(wish.address, source);
    wish.give(source);
  } else if (response === null || mayPass(refusal(response.status, ""))) {
    // Too much at once, or nobody there, or something broke: later, and then later still.
    setTimeout(() => {
      if (dropped.has(wish)) return;
      wishes.push(wish);
      next();
    }, wish.patience);
    wish.patience *= 2;
  }
}
