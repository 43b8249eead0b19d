/** Where the lines of a growing text file start: one offset in 256, found by reading each byte once. */
import type { FileHandle } from "node:fs/promises";

const LINES_PER_ENTRY = 256;
const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;
/** Bytes at the beginning by which a file is known again. */
const HEAD_BYTES = 256;

export class LineIndex {
  /** Offset of line number i × 256. */
  readonly #starts: number[] = [0];
  #wholeLines = 0;
  #scanned = 0;
  /** Start of the line that has no newline yet. */
  #openLine = 0;
  #head: Buffer = Buffer.alloc(0);

  /** Bytes seen so far. */
  get size(): number {
    return this.#scanned;
  }

  /** Lines so far; text after the last newline counts as one. */
  get lines(): number {
    return this.#wholeLines + (this.#openLine < this.#scanned ? 1 : 0);
  }

  /** Lines that end with a newline: they will not change any more. */
  get wholeLines(): number {
    return this.#wholeLines;
  }

  /** Bytes that they take. */
  get wholeBytes(): number {
    return this.#openLine;
  }

  /** Does the file still begin as it did, with a newline where one was? A log may be emptied and grow past its old size between two looks. */
  async fits(handle: FileHandle): Promise<boolean> {
    const bytes = Buffer.alloc(this.#head.length + 1);
    await handle.read(bytes, 0, this.#head.length, 0);
    if (!bytes.subarray(0, this.#head.length).equals(this.#head)) return false;
    if (this.#openLine === 0) return true;
    await handle.read(bytes, 0, 1, this.#openLine - 1);
    return bytes[0] === NEWLINE;
  }

  /** Reads on to `size`. */
  async update(handle: FileHandle, size: number): Promise<void> {
    if (this.#head.length < HEAD_BYTES) {
      const head = Buffer.alloc(Math.min(HEAD_BYTES, size));
      this.#head = head.subarray(0, (await handle.read(head, 0, head.length, 0)).bytesRead);
    }
    await eachChunk(handle, this.#scanned, size, (chunk, offset) => {
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) {
        this.#openLine = offset + at + 1;
        if (++this.#wholeLines % LINES_PER_ENTRY === 0) this.#starts.push(this.#openLine);
      }
      this.#scanned = offset + chunk.length;
      return true;
    });
  }

  /** Offsets of lines `first` … `first + count`: one more than asked for, the end of the last. Lines beyond the end are left out. */
  async spans(handle: FileHandle, first: number, count: number): Promise<number[]> {
    const last = Math.min(first + count, this.lines);
    if (first >= last) return [];
    const entry = Math.floor(first / LINES_PER_ENTRY);
    let line = entry * LINES_PER_ENTRY;
    const start = this.#starts[entry] ?? 0;
    const offsets: number[] = line >= first ? [start] : [];
    await eachChunk(handle, start, this.#scanned, (chunk, offset) => {
      for (let at = chunk.indexOf(NEWLINE); at >= 0 && line < last; at = chunk.indexOf(NEWLINE, at + 1))
        if (++line >= first) offsets.push(offset + at + 1);
      return line < last;
    });
    if (offsets.length < last - first + 1) offsets.push(this.#scanned); // the open line ends where the file does
    return offsets.slice(0, last - first + 1);
  }

  /** Offsets of the first byte of line `first` and of the first byte behind the `count` lines from there on. */
  async range(handle: FileHandle, first: number, count: number): Promise<[number, number]> {
    const end = Math.min(first + count, this.lines);
    const offset = async (line: number): Promise<number> =>
      (line % LINES_PER_ENTRY === 0 ? this.#starts[line / LINES_PER_ENTRY] : (await this.spans(handle, line, 1))[0]) ?? this.#scanned;
    return [await offset(first), end === this.lines ? this.#scanned : await offset(end)];
  }

  /** Number of the first line that starts at `offset` or later. */
  async firstLineFrom(handle: FileHandle, offset: number): Promise<number> {
    if (offset <= 0) return 0;
    if (offset > this.#openLine) return this.lines;
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    let line = low * LINES_PER_ENTRY;
    const start = this.#starts[low] ?? 0;
    if (start >= offset) return line;
    await eachChunk(handle, start, this.#scanned, (chunk, from) => {
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) {
        line++;
        if (from + at + 1 >= offset) return false;
      }
      return true;
    });
    return line;
  }
}

/** Reads [from, to) piece by piece until `visit` returns false. The piece is reused: it may not be kept. */
export async function eachChunk(
  handle: FileHandle,
  from: number,
  to: number,
  visit: (chunk: Buffer, offset: number) => boolean,
): Promise<void> {
  if (from >= to) return;
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, to - from));
  for (let offset = from; offset < to;) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, to - offset), offset);
    if (bytesRead === 0 || !visit(buffer.subarray(0, bytesRead), offset)) return;
    offset += bytesRead;
  }
}
