/**
 * A file that only grows, written without waiting: batches go to Node's pool of threads one after another. The bytes of a batch that
 * cannot be written (a full disk) wait in memory, up to a bound, and half a batch is cut off again before the next try.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, write } from "node:fs";

/** `kept` stays when the bound is reached (definitions that later rows are read by); `rest` holds `count` rows that may be given up. */
export interface Batch {
  readonly kept: Buffer;
  readonly rest: Buffer;
  readonly count: number;
}

interface Flight {
  readonly batch: Batch;
  readonly bytes: Buffer;
}

const RETRY_MS = 500;

export class AppendFile {
  readonly #fd: number;
  readonly #bound: number;
  readonly #waiting: Batch[] = [];
  #waitingBytes = 0;
  #flight: Flight | null = null;
  /** Whole batches end here. */
  #size = 0;
  #dropped = 0;
  #closed = false;
  #retry: NodeJS.Timeout | null = null;
  /** Why the last write failed; null when it went well. */
  problem: NodeJS.ErrnoException | null = null;

  /**
   * @param flags ax: the file must not be there
   * @param bound bytes that wait in memory at most
   * @throws system error
   */
  constructor(file: string, flags: "a" | "ax", bound: number) {
    this.#fd = openSync(file, flags, 0o644);
    this.#size = fstatSync(this.#fd).size;
    this.#bound = bound;
  }

  add(batch: Batch): void {
    this.#waiting.push(batch);
    this.#waitingBytes += length(batch);
    if (this.#waitingBytes > this.#bound) this.#giveUpOldest();
    if (this.#retry === null) this.#go();
  }

  /** Rows given up since the last time this was asked. */
  takeDropped(): number {
    const count = this.#dropped;
    this.#dropped = 0;
    return count;
  }

  /** Waits until everything is written. @returns false when it was not within `timeoutMs` */
  settle(timeoutMs: number): boolean {
    const end = Date.now() + timeoutMs;
    while (this.#flight !== null || this.#waiting.length > 0) {
      this.#look();
      if (this.#flight === null) this.#go();
      else if (Date.now() >= end) return false;
      else Atomics.wait(NOTHING, 0, 0, 1);
    }
    return true;
  }

  /** What still waits is counted as dropped. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#dropped += this.#waiting.reduce((sum, { count }) => sum + count, this.#flight?.batch.count ?? 0);
    // A write on its way holds the descriptor; the end of the process closes it.
    if (this.#flight === null) closeSync(this.#fd);
  }

  #go(): void {
    this.#look();
    if (this.#flight !== null || this.#closed) return;
    const batch = this.#waiting.shift();
    if (batch === undefined) return;
    this.#waitingBytes -= length(batch);
    const flight = { batch, bytes: Buffer.concat([batch.kept, batch.rest]) };
    this.#flight = flight;
    this.#write(flight, 0);
  }

  #write(flight: Flight, from: number): void {
    write(this.#fd, flight.bytes, from, flight.bytes.length - from, null, (error, written) => {
      // A loop that never yields looked for itself meanwhile.
      if (this.#flight !== flight) return;
      if (error !== null) this.#failed(flight, error);
      else if (from + written < flight.bytes.length) this.#write(flight, from + written);
      else this.#landed(flight);
    });
  }

  /** In code that never yields no callback comes: the file itself says what was written. */
  #look(): void {
    const flight = this.#flight;
    if (flight !== null && fstatSync(this.#fd).size >= this.#size + flight.bytes.length) this.#landed(flight);
  }

  #landed(flight: Flight): void {
    this.#size += flight.bytes.length;
    this.#flight = null;
    this.problem = null;
    this.#go();
  }

  #failed(flight: Flight, error: NodeJS.ErrnoException): void {
    this.problem = error;
    this.#flight = null;
    this.#waiting.unshift(flight.batch);
    this.#waitingBytes += length(flight.batch);
    this.#giveUpOldest();
    try {
      ftruncateSync(this.#fd, this.#size);
    } catch {
      // Tried again with the next failure; readers pass over half a record.
    }
    this.#retry ??= setTimeout(() => {
      this.#retry = null;
      this.#go();
    }, RETRY_MS).unref();
  }

  #giveUpOldest(): void {
    for (let at = 0; this.#waitingBytes > this.#bound && at < this.#waiting.length; at++) {
      const batch = this.#waiting[at];
      if (batch === undefined || batch.count === 0) continue;
      this.#dropped += batch.count;
      this.#waitingBytes -= batch.rest.length;
      this.#waiting[at] = { kept: batch.kept, rest: Buffer.alloc(0), count: 0 };
    }
  }
}

const NOTHING = new Int32Array(new SharedArrayBuffer(4));

function length({ kept, rest }: Batch): number {
  return kept.length + rest.length;
}
