/** Rows as records of metrics.bin, gathered until they are taken as one batch: its sets first, then its rows. */
import { METRIC_MAX_SETS } from "../protocol/metric-file.ts";
import { fileHeader, rowRecord, setRecord } from "../protocol/metric-records.ts";
import type { Batch } from "./append-file.ts";
import { wellFormed } from "./json.ts";

export class MetricBatches {
  /** Names as JSON → set id. */
  readonly #sets = new Map<string, number>();
  #newSets: Uint8Array[] = [fileHeader()];
  #rows: Uint8Array[] = [];
  /** Points whose names found no set id left. */
  dropped = 0;

  /** @param timeMs since the epoch */
  add(timeMs: number, step: number, numbers: ReadonlyMap<string, number>): void {
    const set = this.#setOf([...numbers.keys()]);
    if (set !== null) {
      this.#rows.push(rowRecord(set, timeMs, step, [...numbers.values()]));
      return;
    }
    for (const [name, value] of numbers) {
      const single = this.#sets.get(JSON.stringify([name]));
      if (single === undefined) this.dropped++;
      else this.#rows.push(rowRecord(single, timeMs, step, [value]));
    }
  }

  /** null when nothing was added since. */
  take(): Batch | null {
    if (this.#newSets.length === 0 && this.#rows.length === 0) return null;
    const batch = { kept: Buffer.concat(this.#newSets), rest: Buffer.concat(this.#rows), count: this.#rows.length };
    [this.#newSets, this.#rows] = [[], []];
    return batch;
  }

  #setOf(names: readonly string[]): number | null {
    const key = JSON.stringify(names);
    const known = this.#sets.get(key);
    if (known !== undefined) return known;
    const set = this.#sets.size;
    if (set >= METRIC_MAX_SETS) return null;
    this.#sets.set(key, set);
    this.#newSets.push(setRecord(set, names.map(wellFormed)));
    return set;
  }
}
