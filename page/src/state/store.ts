/** The state as a signal, and the one way to change it. */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Action } from "./actions";
import { START, type State } from "./model";
import { reduce } from "./reducer";

const current = signal<State>(START);

export const state: ReadonlySignal<State> = current;

export function dispatch(action: Action): void {
  // Unseen by effects that dispatch: they would follow every change.
  current.value = reduce(current.peek(), action);
}

/** A part of the state, or what follows from it: who reads it is drawn again only when it changes. */
export function select<T>(from: (state: State) => T): ReadonlySignal<T> {
  return computed(() => from(current.value));
}
