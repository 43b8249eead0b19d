/** One log file, line by line, rendered within bounds of memory. */
import type { FileHandle } from "node:fs/promises";
import type { LogLine } from "../../protocol/queries.ts";
import { LineIndex } from "./line-index.ts";
import { guessLevel, MAX_LINE_CHARACTERS, renderLine } from "./log-text.ts";
import { TimeIndex } from "./time-index.ts";
import type { AttemptPaths } from "./types.ts";

/** Lines up to here are rendered whole; of longer ones only what can still be seen. UTF-8 needs at most 4 bytes per character. */
export const LONG_LINE_BYTES = 256 * 1024;
const SHOWN_BYTES = 4 * MAX_LINE_CHARACTERS + 4096;
/** Lines that lie together are read together up to this size. */
const BATCH_BYTES = 4 * 1024 * 1024;
const CARRIAGE_RETURN = 0x0d;
const NEWLINE = 0x0a;

export class LogLines {
  readonly index = new LineIndex();
  readonly times: TimeIndex;
  readonly #attempt: number;

  constructor(paths: AttemptPaths, attempt: number) {
    this.times = new TimeIndex(paths.logIndex);
    this.#attempt = attempt;
  }

  /** Lines [first, first + count) as a terminal would show them. */
  async read(handle: FileHandle, first: number, count: number): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    const spans = await this.index.spans(handle, first, count);
    for (let i = 0; i + 1 < spans.length;) {
      const start = spans[i] ?? 0;
      let next = i + 1;
      while (next + 1 < spans.length && (spans[next + 1] ?? 0) - start <= BATCH_BYTES) next++;
      const end = spans[next] ?? start;
      if (next === i + 1 && end - start > LONG_LINE_BYTES) {
        lines.push(this.#line(first + i, start, await readLongLine(handle, start, end)));
      } else {
        const bytes = await readRange(handle, start, end);
        for (let k = i; k < next; k++) {
          const from = spans[k] ?? 0;
          const to = spans[k + 1] ?? from;
          const slice = bytes.subarray(from - start, to - start);
          const text = slice.length > LONG_LINE_BYTES ? await readLongLine(handle, from, to) : decode(trimNewline(slice));
          lines.push(this.#line(first + k, from, text));
        }
      }
      i = next;
    }
    return lines;
  }

  /** Bytes [from, to) as they are. */
  async bytes(handle: FileHandle, from: number, to: number): Promise<Buffer> {
    return readRange(handle, from, to);
  }

  #line(number: number, offset: number, raw: string): LogLine {
    const { text, truncated } = renderLine(raw);
    return { attempt: this.#attempt, number, offset, time: this.times.timeAt(offset), level: guessLevel(text), text, truncated };
  }
}

/**
 * What is left on the screen of a line too long to hold: the part after its last carriage return, from its start; and when that part is short,
 * the progress states shortly before it as well, for it may cover them in part only.
 */
async function readLongLine(handle: FileHandle, start: number, end: number): Promise<string> {
  const tail = await readRange(handle, Math.max(start, end - LONG_LINE_BYTES), end);
  const shown = trimNewline(tail);
  const lastReturn = await lastReturnBefore(handle, start, end - (tail.length - shown.length));
  if (lastReturn < 0) return decode(await readRange(handle, start, Math.min(end, start + SHOWN_BYTES)));
  if (end - lastReturn > LONG_LINE_BYTES) return decode(await readRange(handle, lastReturn + 1, lastReturn + 1 + SHOWN_BYTES));
  const firstReturn = shown.indexOf(CARRIAGE_RETURN);
  return decode(shown.subarray(firstReturn + 1));
}

/** Offset of the last carriage return in [start, end), read from the back; -1 when there is none. */
async function lastReturnBefore(handle: FileHandle, start: number, end: number): Promise<number> {
  for (let to = end; to > start;) {
    const from = Math.max(start, to - 1024 * 1024);
    const at = (await readRange(handle, from, to)).lastIndexOf(CARRIAGE_RETURN);
    if (at >= 0) return from + at;
    to = from;
  }
  return -1;
}

/** Without the newline and the carriage returns before it. */
function trimNewline(bytes: Buffer): Buffer {
  let end = bytes.length;
  if (bytes[end - 1] === NEWLINE) end--;
  while (end > 0 && bytes[end - 1] === CARRIAGE_RETURN) end--;
  return bytes.subarray(0, end);
}

function decode(bytes: Buffer): string {
  return bytes.toString("utf8"); // what is no UTF-8 becomes U+FFFD
}

async function readRange(handle: FileHandle, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.max(0, to - from));
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
  return buffer.subarray(0, bytesRead);
}
