/**
 * Tells when files grow: fs.watch for speed, a slow look at size and times for certainty (network mounts deliver no events). One poll timer
 * for all files of a watcher; nothing is watched recursively.
 */
import { stat } from "node:fs/promises";
import path from "node:path";
import { folderEvents, type FolderEvents } from "./folder-events.ts";

const DEFAULT_POLL_MS = 250;
/** Bursts of events become one call. */
const GATHER_MS = 10;

export interface FileWatchOptions {
  /** ms between two looks at each file. Default 250, for files of live runs. */
  readonly pollMs?: number;
}

/**
 * Calls `onChange` with the paths that changed (grew, shrank, appeared, were replaced) since the last call; the first look tells every
 * file that is there. Calls do not overlap: a promise that `onChange` returns is awaited before the next.
 */
export class FileWatcher {
  readonly #onChange: (files: readonly string[]) => void | Promise<void>;
  readonly #pollMs: number;
  /** File → state at the last look, "" when it was not there. */
  readonly #files = new Map<string, string>();
  readonly #folders = new Map<string, FolderEvents>();
  #timer: NodeJS.Timeout | null = null;
  #due = Infinity;
  #looking = false;
  #again = false;
  #closed = false;

  constructor(onChange: (files: readonly string[]) => void | Promise<void>, options: FileWatchOptions = {}) {
    this.#onChange = onChange;
    this.#pollMs = options.pollMs ?? DEFAULT_POLL_MS;
  }

  /** @param file absolute; need not exist yet */
  add(file: string): void {
    if (this.#closed || this.#files.has(file)) return;
    this.#files.set(file, "");
    this.#watchFolder(path.dirname(file));
    this.#schedule(0);
  }

  remove(file: string): void {
    this.#files.delete(file);
    const folder = path.dirname(file);
    if ([...this.#files.keys()].some((other) => path.dirname(other) === folder)) return;
    this.#folders.get(folder)?.close();
    this.#folders.delete(folder);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
    this.#files.clear();
  }

  /** The folder, not the file: it tells of files that are made later, and one watch serves all files of an attempt. */
  #watchFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    const events = folderEvents(
      folder,
      (name) => {
        if (name === null || this.#files.has(path.join(folder, name))) this.#schedule(GATHER_MS);
      },
      () => this.#folders.delete(folder),
    );
    // Not there yet, or the system has no watches left: the poll serves, and tries again.
    if (events !== null) this.#folders.set(folder, events);
  }

  #schedule(ms: number): void {
    if (this.#closed || this.#files.size === 0) return;
    if (this.#looking) {
      if (ms < this.#pollMs) this.#again = true;
      return;
    }
    const at = Date.now() + ms;
    if (at >= this.#due) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#due = at;
    this.#timer = setTimeout(() => void this.#look(), ms);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    this.#again = false;
    try {
      const changed: string[] = [];
      for (const [file, before] of [...this.#files]) {
        const now = await stateOf(file);
        if (now === before || !this.#files.has(file)) continue;
        this.#files.set(file, now);
        changed.push(file);
        this.#watchFolder(path.dirname(file));
      }
      if (changed.length > 0 && !this.#isClosed()) await this.#onChange(changed);
    } finally {
      this.#looking = false;
      this.#due = Infinity;
      this.#schedule(this.#askedAgain() ? GATHER_MS : this.#pollMs);
    }
  }

  // These two change while the look waits; the compiler cannot see that in a field.
  #askedAgain(): boolean {
    return this.#again;
  }

  #isClosed(): boolean {
    return this.#closed;
  }
}

async function stateOf(file: string): Promise<string> {
  const stats = await stat(file).catch(() => null);
  return stats === null ? "" : `${String(stats.ino)} ${String(stats.size)} ${String(stats.mtimeMs)}`;
}
