/** Who looks at the server: whoever has a WebSocket open, and whoever asked something a moment ago. */
import type { Audience } from "./store/types.ts";

/** A window that was closed may be back; a command line asks several times. */
const STAYS_MS = 60_000;

export class Visitors implements Audience {
  readonly #streams: () => number;
  readonly #listeners = new Set<() => void>();
  /** Whoever started the server is about to ask. */
  #last = Date.now();

  /** @param streams how many WebSockets are open */
  constructor(streams: () => number) {
    this.#streams = streams;
  }

  /** Somebody asks, or opens a WebSocket. */
  came(): void {
    const arrives = !this.isThere();
    this.#last = Date.now();
    if (arrives) for (const listener of this.#listeners) listener();
  }

  isThere(): boolean {
    return this.#streams() > 0 || Date.now() - this.#last < STAYS_MS;
  }

  onArrival(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
