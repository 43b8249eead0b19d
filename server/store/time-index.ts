/** log.idx: when the log had reached which size. Lines `<byte offset> <ms since the epoch>`, about one a second. */
import { isAbsent } from "./fs-errors.ts";
import { openFile } from "./open-file.ts";

/** How long after its last entry a log is still believed to be written by the modification time of the file. */
const TAIL_MS = 5000;

export class TimeIndex {
  readonly #file: string;
  #read = 0;
  #rest = "";
  readonly #offsets: number[] = [];
  readonly #times: number[] = [];
  #tailTime: number | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  /** @param logModified modification time of the log in ms: tells when the bytes after the last entry came */
  async update(logModified: number): Promise<void> {
    try {
      const handle = await openFile(this.#file);
      try {
        const { size } = await handle.stat();
        if (size < this.#read) this.#restart();
        const buffer = Buffer.alloc(size - this.#read);
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, this.#read);
        this.#read += bytesRead;
        this.#parse(buffer.toString("latin1", 0, bytesRead));
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (!isAbsent(error)) throw error;
      this.#restart();
    }
    const last = this.#times.at(-1);
    this.#tailTime = last === undefined ? null : Math.max(last, Math.min(logModified, last + TAIL_MS));
  }

  /** When the byte at `offset` had been written; null when nothing says so. */
  timeAt(offset: number): number | null {
    return this.#times[upperBound(this.#offsets, offset)] ?? this.#tailTime;
  }

  /** The first offset whose bytes were written at `time` or later; `end` when none was. */
  offsetAt(time: number, end: number): number {
    if (this.#tailTime === null) return end;
    const entry = lowerBound(this.#times, time);
    if (entry < this.#times.length) return this.#offsets[entry - 1] ?? 0;
    return time <= this.#tailTime ? (this.#offsets.at(-1) ?? 0) : end;
  }

  #restart(): void {
    this.#read = 0;
    this.#rest = "";
    this.#offsets.length = 0;
    this.#times.length = 0;
  }

  #parse(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const match = /^(\d{1,16}) (\d{1,16})$/.exec(line.trim());
      if (match === null) continue;
      const offset = Number(match[1]);
      if (offset < (this.#offsets.at(-1) ?? 0)) continue;
      this.#offsets.push(offset);
      // The wall clock may jump back; the order of bytes does not.
      this.#times.push(Math.max(Number(match[2]), this.#times.at(-1) ?? 0));
    }
  }
}

/** Index of the first value > `key` in an ascending list. */
function upperBound(values: readonly number[], key: number): number {
  let low = 0;
  for (let high = values.length; low < high;) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the first value >= `key` in an ascending list. */
function lowerBound(values: readonly number[], key: number): number {
  let low = 0;
  for (let high = values.length; low < high;) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
