/**
 * Points of runs in memory, shared by everybody who looks at them. A run nobody looks at leaves memory after a while, or as soon as others need
 * its room: it is read again from its file, at 40 ns a point, or where it is long and over from the compact files that are made when it leaves.
 */
import type { RunId } from "../../protocol/ids.ts";
import { SpillFile } from "../series/spill.ts";
import type { RunSeries } from "../series/types.ts";

const KEEP_IDLE_MS = 30_000;
/** Of runs that nobody looks at. */
const MOST_IDLE_BYTES = 128 * 1024 * 1024;

interface Shared {
  readonly series: RunSeries;
  users: number;
  idle: NodeJS.Timeout | null;
  /** Compact files of it are being made, or are known to be there. */
  compacted: boolean;
}

export interface PoolOptions {
  /** Of runs that nobody looks at. */
  readonly mostIdleBytes?: number;
  readonly isOver?: (run: RunId) => boolean;
}

export interface SeriesLease {
  readonly series: RunSeries;
  release(): void;
}

export class SeriesPool {
  readonly #open: (run: RunId) => RunSeries;
  readonly #mostIdleBytes: number;
  /** The run that was given back last stands last. */
  readonly #shared = new Map<RunId, Shared>();
  readonly #spill: SpillFile;
  readonly #isOver: (run: RunId) => boolean;
  /** One run is compacted at a time: it stays in memory meanwhile. */
  #compacting = false;

  /**
   * @param spillFolder where old values of live runs are kept, on a disk: the folder of temporary files often is memory. They stay in memory
   * where there is no such folder.
   * @param options `isOver`: will nothing be added to the run, as far as is known? Only then compact files are made of it.
   */
  constructor(
    open: (run: RunId) => RunSeries,
    spillFolder: string,
    { mostIdleBytes = MOST_IDLE_BYTES, isOver = (): boolean => false }: PoolOptions = {},
  ) {
    this.#open = open;
    this.#isOver = isOver;
    this.#spill = new SpillFile(spillFolder);
    this.#mostIdleBytes = mostIdleBytes;
  }

  /** As `acquire`, for a run that is followed for as long as it lives: what it logged long ago leaves memory. */
  follow(run: RunId): SeriesLease {
    const lease = this.acquire(run);
    lease.series.letGo(this.#spill);
    return lease;
  }

  acquire(run: RunId): SeriesLease {
    let shared = this.#shared.get(run);
    if (shared === undefined) {
      shared = { series: this.#open(run), users: 0, idle: null, compacted: false };
      this.#shared.set(run, shared);
    }
    const held = shared;
    held.users++;
    if (held.idle !== null) clearTimeout(held.idle);
    held.idle = null;
    let released = false;
    return {
      series: held.series,
      release: () => {
        if (released) return;
        released = true;
        held.users--;
        if (held.users === 0 && this.#shared.get(run) === held) this.#rest(run, held);
      },
    };
  }

  /** Forgets a run at once (its folder goes away). */
  drop(run: RunId): void {
    const shared = this.#shared.get(run);
    if (shared === undefined) return;
    this.#shared.delete(run);
    if (shared.idle !== null) clearTimeout(shared.idle);
    shared.series.close();
  }

  close(): void {
    for (const run of [...this.#shared.keys()]) this.drop(run);
    this.#spill.close();
  }

  #rest(run: RunId, held: Shared): void {
    this.#shared.delete(run);
    this.#shared.set(run, held);
    held.idle = setTimeout(() => {
      this.#leave(run, held);
    }, KEEP_IDLE_MS);
    held.idle.unref();
    const resting = [...this.#shared].filter(([, shared]) => shared.users === 0);
    let bytes = resting.reduce((sum, [, { series }]) => sum + series.bytes, 0);
    for (const [oldest, shared] of resting) {
      if (bytes <= this.#mostIdleBytes) return;
      bytes -= shared.series.bytes;
      this.#leave(oldest, shared);
    }
  }

  /** Lets go of a run that nobody looks at, after its compact files are made. */
  #leave(run: RunId, held: Shared): void {
    if (held.compacted || this.#compacting || !this.#isOver(run)) {
      this.drop(run);
      return;
    }
    held.compacted = this.#compacting = true;
    const lease = this.acquire(run);
    void held.series.compact().finally(() => {
      this.#compacting = false;
      lease.release();
      if (held.users === 0 && this.#shared.get(run) === held) this.drop(run);
    });
  }
}
