/** One store beside the server's own: opened to be read, let go of when it is gone from its place, and opened again when it is back. */
import { TrainyardError } from "../../protocol/errors.ts";
import type { OtherStoreRecord } from "../../protocol/stores.ts";
import type { Runs } from "../runs/types.ts";
import { isStillInPlace, openToRead, type OpenedRoot } from "../store/open-root.ts";
import { storeAt } from "../store/store.ts";
import type { RunStore } from "../store/types.ts";
import type { StoreRoom } from "./all-runs.ts";

export interface OtherStoreHost {
  /** The runs of a store, not yet read. */
  openRuns(store: RunStore): Runs;
  /** Its runs are read. */
  joined(room: StoreRoom): void;
  /** Its runs are shown no longer; they are closed after this. */
  left(room: StoreRoom): void;
  log(text: string): void;
}

/** A disk in the network may be away for a moment. */
const MOST_MISSED = 2;

export class OtherStore {
  readonly record: OtherStoreRecord;
  readonly #host: OtherStoreHost;
  #opened: OpenedRoot | null = null;
  #room: StoreRoom | null = null;
  #problem: string | null = null;
  #missed = 0;
  #closed = false;
  /** One thing after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(record: OtherStoreRecord, host: OtherStoreHost) {
    this.record = record;
    this.#host = host;
  }

  get room(): StoreRoom | null {
    return this.#room;
  }

  /** Why it cannot be shown; null while it can, and before that is known. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Opens it if it is not open, and closes it if it is gone. */
  async look(): Promise<void> {
    return this.#next(async () => {
      if (this.#closed) return;
      if (this.#room === null) await this.#open();
      else if (this.#opened !== null && (await isStillInPlace(this.#opened))) this.#missed = 0;
      else if (++this.#missed >= MOST_MISSED) {
        this.#problem = `there is no longer a store at ${this.record.path}: it was moved, deleted or unmounted`;
        this.#host.log(this.#problem);
        await this.#leave();
      }
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    return this.#next(() => this.#leave());
  }

  async #next(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(work);
    return this.#last;
  }

  async #open(): Promise<void> {
    const { name, path } = this.record;
    let runs: Runs | null = null;
    try {
      const opened = await openToRead(path);
      const store = storeAt(opened);
      runs = this.#host.openRuns(store);
      await runs.start();
      this.#opened = opened;
      this.#room = { origin: { name, path: opened.root, own: false }, store, runs };
      this.#missed = 0;
      this.#problem = null;
      this.#host.joined(this.#room);
    } catch (error) {
      const problem = error instanceof TrainyardError ? error.message : `the store ${path} cannot be read: ${String(error)}`;
      if (problem !== this.#problem) this.#host.log(problem);
      this.#problem = problem;
      await runs?.close();
    }
  }

  async #leave(): Promise<void> {
    const room = this.#room;
    this.#room = this.#opened = null;
    if (room === null) return;
    this.#host.left(room);
    await room.runs.close();
    room.store.close();
  }
}
