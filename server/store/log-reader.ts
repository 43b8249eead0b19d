/** Reading an attempt's log: bytes, text from an offset on, and pages of lines. */
import type { FileHandle } from "node:fs/promises";
import { TrainyardError } from "../../protocol/errors.ts";
import type { LogLine, LogPage, LogQuery } from "../../protocol/queries.ts";
import { isAbsent } from "./fs-errors.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { LogLines } from "./log-lines.ts";
import { LogSearches } from "./log-matches.ts";
import { openFile } from "./open-file.ts";
import type { AttemptPaths, LogBytes, LogText } from "./types.ts";

/** Line indexes of the logs read last; a 1 GB log of short lines takes about 1 MB. */
const MAX_KEPT_LOGS = 32;

interface KeptLog {
  readonly inode: number;
  readonly lines: LogLines;
  readonly searches: LogSearches;
}

function newLog(inode: number, paths: AttemptPaths, attempt: number): KeptLog {
  const lines = new LogLines(paths, attempt);
  return { inode, lines, searches: new LogSearches(lines) };
}

export class LogReader {
  readonly #logs = new Map<string, KeptLog>();
  readonly #queue = new KeyedQueue();

  /** A page of lines, oldest first. No log (yet): an empty page. @throws TrainyardError bad_request (a time that is none, an end before the start) */
  async page(paths: AttemptPaths, attempt: number, query: LogQuery): Promise<LogPage> {
    const from = query.start_time === undefined ? null : parseTime(query.start_time, "start_time");
    const to = query.end_time === undefined ? null : parseTime(query.end_time, "end_time");
    if (from !== null && to !== null && to < from)
      throw new TrainyardError("bad_request", "end_time lies before start_time", "Give the earlier time as start_time.", [
        { severity: "error", field: "end_time", message: "it lies before start_time", hint: null },
      ]);
    const empty: LogPage = {
      lines: [],
      page: query.page,
      page_size: query.page_size,
      total: 0,
      attempt,
      stretch: { start: 0, end: 0 },
      whole_bytes: 0,
    };
    return withFile(paths.log, empty, async (handle) => {
      const { lines, searches } = await this.#open(handle, paths, attempt);
      const { index, times } = lines;
      const first = from === null ? 0 : await index.firstLineFrom(handle, times.offsetAt(from, index.size + 1));
      const end = to === null ? index.lines : await index.firstLineFrom(handle, times.offsetAt(to, index.size + 1));
      const [start, stop] = await index.range(handle, first, Math.max(0, end - first));
      const found = { ...empty, stretch: { start, end: stop }, whole_bytes: index.wholeBytes };
      const skip = (query.page - 1) * query.page_size;
      if (query.level === undefined && (query.search ?? "") === "") {
        const total = Math.max(0, end - first);
        const count = Math.max(0, Math.min(query.page_size, total - skip));
        return { ...found, total, lines: count === 0 ? [] : await lines.read(handle, first + skip, count) };
      }
      const matches = searches.get({ level: query.level ?? null, search: (query.search ?? "").toLowerCase() });
      // One search at a time goes through a log: a second one would read the same bytes. Pages do not wait for it.
      const { total, numbers } = await this.#queue.run(`search ${paths.log}`, () =>
        matches.page(handle, first, end, skip, query.page_size),
      );
      return { ...found, total, lines: await readLines(handle, lines, numbers) };
    });
  }

  /** Lines from the `first` on; a range that begins before the first line is cut there. */
  async lines(paths: AttemptPaths, attempt: number, first: number, count: number): Promise<LogLine[]> {
    return withFile<LogLine[]>(paths.log, [], async (handle) => {
      const { lines } = await this.#open(handle, paths, attempt);
      const from = Math.max(0, first);
      const end = Math.min(first + count, lines.index.lines);
      return end > from ? lines.read(handle, from, end - from) : [];
    });
  }

  async bytes(file: string, offset: number, length: number): Promise<LogBytes> {
    return withFile<LogBytes>(file, { offset, bytes: new Uint8Array(), size: 0 }, async (handle) => {
      const { size } = await handle.stat();
      const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - offset)));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset);
      return { offset, bytes: bytes.subarray(0, bytesRead), size };
    });
  }

  async text(file: string, offset: number, maxBytes: number): Promise<LogText> {
    const { size, bytes: newBytes } = await this.bytes(file, offset, maxBytes);
    if (offset > size) return this.text(file, 0, maxBytes); // the file was replaced by a shorter one
    let start = offset;
    let bytes = newBytes;
    if (size - offset > maxBytes) {
      start = size - maxBytes;
      bytes = (await this.bytes(file, start, maxBytes)).bytes;
      const newline = bytes.indexOf(0x0a);
      const skip = newline >= 0 && newline < bytes.length - 1 ? newline + 1 : leadingContinuation(bytes);
      bytes = bytes.subarray(skip);
      start += skip;
    }
    const whole = bytes.subarray(0, wholeCharacters(bytes));
    return { offset: start, nextOffset: start + whole.length, text: decoder.decode(whole), skippedBytes: start - offset };
  }

  clear(): void {
    this.#logs.clear();
  }

  /** The file's lines, indexed up to its present end. A file that was replaced or cut is indexed anew. */
  async #open(handle: FileHandle, paths: AttemptPaths, attempt: number): Promise<KeptLog> {
    return this.#queue.run(`index ${paths.log}`, async () => {
      const { ino, size, mtimeMs } = await handle.stat();
      const known = this.#logs.get(paths.log);
      const same = known?.inode === ino && known.lines.index.size <= size && (await known.lines.index.fits(handle));
      const kept = same ? known : newLog(ino, paths, attempt);
      this.#logs.delete(paths.log); // put back at the end: the map is in the order of last use
      this.#logs.set(paths.log, kept);
      for (const oldest of this.#logs.keys()) {
        if (this.#logs.size <= MAX_KEPT_LOGS) break;
        this.#logs.delete(oldest);
      }
      await kept.lines.index.update(handle, size);
      await kept.lines.times.update(mtimeMs);
      return kept;
    });
  }
}

/** Lines of the given numbers; neighbours are read together. */
async function readLines(handle: FileHandle, lines: LogLines, numbers: readonly number[]): Promise<LogLine[]> {
  const result: LogLine[] = [];
  for (let i = 0; i < numbers.length;) {
    const first = numbers[i] ?? 0;
    let count = 1;
    while (numbers[i + count] === first + count) count++;
    result.push(...(await lines.read(handle, first, count)));
    i += count;
  }
  return result;
}

/** ms since the epoch, written as digits or as RFC 3339. */
function parseTime(text: string, field: string): number {
  const time = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(time))
    throw new TrainyardError(
      "bad_request",
      `${field} ${JSON.stringify(text)} is not a time`,
      "Give ms since the epoch, or RFC 3339 like 2026-01-31T12:00:00Z.",
      [{ severity: "error", field, message: "it is not a time", hint: null }],
    );
  return time;
}

async function withFile<T>(file: string, absent: T, read: (handle: FileHandle) => Promise<T>): Promise<T> {
  let handle: FileHandle;
  try {
    handle = await openFile(file);
  } catch (error) {
    if (isAbsent(error)) return absent;
    throw error;
  }
  try {
    return await read(handle);
  } finally {
    await handle.close();
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Bytes at the start that continue a character which began before. */
function leadingContinuation(bytes: Uint8Array): number {
  let n = 0;
  while (n < 3 && n < bytes.length && ((bytes[n] ?? 0) & 0xc0) === 0x80) n++;
  return n;
}

/** Length of the prefix that ends with a whole UTF-8 character. Bytes that are no UTF-8 at all count as whole. */
function wholeCharacters(bytes: Uint8Array): number {
  const end = bytes.length;
  for (let back = 1; back <= 3 && back <= end; back++) {
    const byte = bytes[end - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const need = byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xc0 && byte < 0xe0 ? 2 : 1;
    return need > back ? end - back : end;
  }
  return end;
}
