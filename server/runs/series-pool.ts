/** Points of runs in memory, shared by everybody who looks at them; a run nobody looks at leaves memory after a while. */
import type { RunId } from "../../protocol/ids.ts";
import { SpillFile } from "../series/spill.ts";
import type { RunSeries } from "../series/types.ts";

const KEEP_IDLE_MS = 30_000;

interface Shared {
  readonly series: RunSeries;
  users: number;
  idle: NodeJS.Timeout | null;
}

export interface SeriesLease {
  readonly series: RunSeries;
  release(): void;
}

export class SeriesPool {
  readonly #open: (run: RunId) => RunSeries;
  readonly #shared = new Map<RunId, Shared>();
  readonly #spill: SpillFile;

  /** @param folder where old points of live runs are kept; they stay in memory where it cannot be written */
  constructor(open: (run: RunId) => RunSeries, folder: string) {
    this.#open = open;
    this.#spill = new SpillFile(folder);
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
      shared = { series: this.#open(run), users: 0, idle: null };
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
        if (held.users > 0) return;
        held.idle = setTimeout(() => {
          this.drop(run);
        }, KEEP_IDLE_MS);
        held.idle.unref();
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
}
