/** Work that must not overlap: one line of waiting per key. */
export class KeyedQueue {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs `work` once everything that was queued under `key` has settled; its own outcome goes to the caller alone. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const result = before.then(work);
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(key, settled);
    try {
      return await result;
    } finally {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    }
  }
}
