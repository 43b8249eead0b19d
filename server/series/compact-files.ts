/**
 * The compact files of a store's runs: made once a run is over, used while its metric files are as they were, and removed with it. All of them
 * may be deleted at any time. They take a bounded part of the disk: those that were used longest ago go first.
 */
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { statfs } from "node:fs/promises";
import path from "node:path";
import type { RunId } from "../../protocol/ids.ts";
import type { AttemptSeries } from "./attempt-series.ts";
import { CompactAttempt } from "./compact-attempt.ts";
import { writeCompactFile } from "./compact-write.ts";
import type { SeriesSource } from "./types.ts";

const SUFFIX = ".columns";
/** Shorter metric files are read in a few milliseconds as they are. */
const LEAST_SOURCE_BYTES = 4 * 1024 * 1024;
const MOST_BYTES = 2 * 1024 * 1024 * 1024;
/** A file of an index must not be what fills the disk of a training: so many times its size has to be free. */
const FREE_TIMES = 8;

export class CompactFiles {
  readonly #folder: string;
  readonly #leastSourceBytes: number;
  readonly #mostBytes: number;
  /** What is written at the time, one file after the other. */
  #writing: Promise<void> = Promise.resolve();
  /** Runs whose files must not come to be any more. */
  readonly #removed = new Set<RunId>();
  #closed = false;

  /** @param folder private to the server; made with the first file */
  constructor(folder: string, { leastSourceBytes = LEAST_SOURCE_BYTES, mostBytes = MOST_BYTES } = {}) {
    this.#folder = folder;
    this.#leastSourceBytes = leastSourceBytes;
    this.#mostBytes = mostBytes;
  }

  /** null when the attempt has none that counts. */
  open(run: RunId, { attempt, file }: SeriesSource): CompactAttempt | null {
    const compact = this.#fileOf(run, attempt);
    const opened = CompactAttempt.open(attempt, file, compact);
    if (opened === null) return null;
    try {
      const now = new Date();
      utimesSync(compact, now, now); // What `#makeRoom` goes by.
    } catch {
      // Then it counts as used when it was made.
    }
    return opened;
  }

  /** Makes the attempt's file unless it is there, or the attempt is short or damaged. Without room on the disk there is none. */
  async write(run: RunId, series: AttemptSeries): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write(run, series)).catch(() => undefined);
    return this.#writing;
  }

  /** Of all attempts of a run. */
  remove(run: RunId): void {
    this.#removed.add(run);
    for (const { name } of this.#files()) if (name.startsWith(`${run}.`)) this.#delete(name);
    void this.#writing.then(() => this.#removed.delete(run));
  }

  /** Removes the files of runs that are gone, and what a server that was killed has left half-written. */
  prune(has: (run: RunId) => boolean): void {
    for (const { name } of this.#files()) if (!name.endsWith(SUFFIX) || !has(name.slice(0, name.indexOf(".")))) this.#delete(name);
  }

  /** What is being written is given up. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
  }

  async #write(run: RunId, series: AttemptSeries): Promise<void> {
    const { source, damage, attempt, file } = series;
    if (source === null || damage !== null || source.size < this.#leastSourceBytes) return;
    const compact = this.#fileOf(run, attempt);
    const known = CompactAttempt.open(attempt, file, compact);
    known?.close();
    if (known !== null) return;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await statfs(this.#folder);
    if (bavail * bsize < FREE_TIMES * source.size) return;
    if (await writeCompactFile(compact, series, () => this.#closed || this.#removed.has(run))) this.#makeRoom();
  }

  #makeRoom(): void {
    const files = this.#files().sort((a, b) => b.used - a.used);
    let bytes = 0;
    for (const { name, size } of files) {
      bytes += size;
      if (bytes > this.#mostBytes) this.#delete(name);
    }
  }

  #files(): { name: string; size: number; used: number }[] {
    try {
      return readdirSync(this.#folder).flatMap((name) => {
        const found = statSync(path.join(this.#folder, name), { throwIfNoEntry: false });
        return found === undefined ? [] : [{ name, size: found.size, used: found.mtimeMs }];
      });
    } catch {
      return []; // None was made yet, or nobody may look: they are an index.
    }
  }

  #delete(name: string): void {
    try {
      rmSync(path.join(this.#folder, name), { force: true, recursive: true });
    } catch {
      // It does not count once its run is gone.
    }
  }

  #fileOf(run: RunId, attempt: number): string {
    return path.join(this.#folder, `${run}.${String(attempt)}${SUFFIX}`);
  }
}
