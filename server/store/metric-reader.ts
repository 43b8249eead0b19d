/**
 * Reads a growing metric file (protocol/metric-file.ts) record by record. An offset is committed only after a whole record, so a torn tail is
 * simply not there yet. Bytes that are no records are passed over up to the next record and reported.
 */
import { closeSync, fstatSync, readSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import {
  METRIC_FILE_HEADER_BYTES,
  METRIC_KIND_ROW,
  METRIC_KIND_SET,
  METRIC_MAGIC,
  METRIC_RECORD_HEADER_BYTES,
  METRIC_VERSION,
} from "../../protocol/metric-file.ts";
import { isAbsent } from "./fs-errors.ts";
import { openFile, openFileSync } from "./open-file.ts";

/** A set of names that rows refer to. The object stays the same for as long as the file's definition does. */
export interface MetricSet {
  readonly id: number;
  readonly names: readonly string[];
}

export interface MetricSink {
  /**
   * `count` rows of one set, in the order of the file. Row i starts at i × (3 + names): record header, time (ms since the epoch), step, values.
   * @param data valid during this call only
   * @param more how many rows of this set could still follow in what the file holds now: room to make at once
   */
  rows(set: MetricSet, data: Float64Array, count: number, more: number): void;
  /** The file was replaced or cut: everything read so far is void, reading starts over. */
  restart(): void;
}

/** What changes when a file does, as far as its system tells. */
export interface FileIdentity {
  readonly size: number;
  readonly ino: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

export function identityOf({ size, ino, mtimeMs, ctimeMs }: FileIdentity): FileIdentity {
  return { size, ino, mtimeMs, ctimeMs };
}

/** Bytes of the file that are wanted next. */
interface Piece {
  readonly into: Uint8Array;
  readonly length: number;
  readonly position: number;
}

/** Doubles before the values of a row: record header, time, step. */
export const ROW_PREFIX = 3;

const CHUNK_BYTES = 1024 * 1024;
/** A longer record is taken for damage. Room for a million values in a row. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;
const SET_PREFIX_BYTES = METRIC_RECORD_HEADER_BYTES + 8;

/** Used again by the next long read: a new one for each of a hundred files would keep V8 collecting. */
const spareChunks: ArrayBuffer[] = [];
const MOST_SPARE_CHUNKS = 2;

interface KnownSet extends MetricSet {
  readonly rowBytes: number;
}

/** A stretch of bytes that are no records. */
interface Damage {
  readonly start: number;
  /** Zeros at the end of a file are what a crash or a network mount leaves before the data: no damage while nothing follows. */
  onlyZeros: boolean;
}

/** What a chunk ended with: a border between records, a part of one, or zeros that may still become one. */
type ChunkEnd = "border" | "part" | "zeros";

export class MetricFileReader {
  readonly file: string;
  readonly #sink: MetricSink;
  readonly #sets = new Map<number, KnownSet>();
  #identity: FileIdentity | null = null;
  #offset = 0;
  #recordEnd = 0;
  #rows = 0;
  #current: Damage | null = null;
  #firstDamage: number | null = null;
  #damagedBytes = 0;
  #unreadable: string | null = null;

  constructor(file: string, sink: MetricSink) {
    this.file = file;
    this.#sink = sink;
  }

  /** Rows handed out so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Byte offset after the last whole record. */
  get offset(): number {
    return this.#recordEnd;
  }

  get sets(): readonly MetricSet[] {
    return [...this.#sets.values()];
  }

  /** Where and how the file is damaged, as a sentence; null when it is sound so far. */
  get damage(): string | null {
    if (this.#unreadable !== null) return this.#unreadable;
    const open = this.#current !== null && !this.#current.onlyZeros ? this.#offset - this.#current.start : 0;
    const start = this.#firstDamage ?? (open > 0 ? this.#current?.start : undefined);
    if (start === undefined) return null;
    return `${this.file} is damaged from byte ${String(start)} on: ${String(this.#damagedBytes + open)} bytes could not be read`;
  }

  /** The file as it was when its newest rows were read; null before the first. */
  get identity(): FileIdentity | null {
    return this.#identity;
  }

  /** Hands out what was appended since the last call; true when there were rows. A file that is not there (yet) has none. */
  async read(): Promise<boolean> {
    let handle: FileHandle;
    try {
      handle = await openFile(this.file);
    } catch (error) {
      if (isAbsent(error)) return false;
      throw error;
    }
    try {
      const reading = this.#reading(await handle.stat());
      for (let next = reading.next(); ;) {
        if (next.done === true) return next.value;
        const { into, length, position } = next.value;
        next = reading.next((await handle.read(into, 0, length, position)).bytesRead);
      }
    } finally {
      await handle.close();
    }
  }

  /** As `read`, at once: for whoever has promised an answer and just lost what it was to come from. */
  readNow(): boolean {
    let file: number;
    try {
      file = openFileSync(this.file);
    } catch (error) {
      if (isAbsent(error)) return false;
      throw error;
    }
    try {
      const reading = this.#reading(fstatSync(file));
      for (let next = reading.next(); ;) {
        if (next.done === true) return next.value;
        const { into, length, position } = next.value;
        next = reading.next(readSync(file, into, 0, length, position));
      }
    } finally {
      closeSync(file);
    }
  }

  /** What has to be read, piece by piece; goes on with the number of bytes that were. */
  *#reading(found: FileIdentity): Generator<Piece, boolean, number> {
    const { size, ino } = found;
    if (this.#identity !== null && (size < this.#size || ino !== this.#identity.ino)) this.#startOver();
    if (this.#identity !== null && size === this.#size) return false;
    this.#identity = identityOf(found);
    const before = this.#rows;
    if (this.#unreadable === null) yield* this.#readTo(size);
    return this.#rows > before;
  }

  #startOver(): void {
    if (this.#recordEnd > 0) this.#sink.restart();
    this.#sets.clear();
    this.#identity = null;
    this.#offset = this.#recordEnd = this.#rows = this.#damagedBytes = 0;
    this.#current = this.#firstDamage = this.#unreadable = null;
  }

  *#readTo(size: number): Generator<Piece, void, number> {
    if (this.#offset === 0 && !(yield* this.#readHeader(size))) return;
    if (size - this.#offset < CHUNK_BYTES) {
      yield* this.#readInto(new ArrayBuffer(0), size);
      return;
    }
    const spare = spareChunks.pop() ?? new ArrayBuffer(CHUNK_BYTES);
    yield* this.#readInto(spare, size);
    if (spareChunks.length < MOST_SPARE_CHUNKS) spareChunks.push(spare);
  }

  /** @param chunk where the bytes go, as long as it is large enough */
  *#readInto(chunk: ArrayBuffer, size: number): Generator<Piece, void, number> {
    let buffer = chunk;
    let want = CHUNK_BYTES;
    for (;;) {
      const from = this.#offset;
      const left = size - from - ((size - from) % 8); // records are multiples of 8 bytes, and so is every offset
      const length = Math.min(want, left);
      if (length < METRIC_RECORD_HEADER_BYTES) return;
      if (buffer.byteLength < length) buffer = new ArrayBuffer(length);
      const bytesRead = yield { into: new Uint8Array(buffer), length, position: from };
      if (bytesRead < length) return; // cut meanwhile: the next read sees it
      const records = new Chunk(buffer, length);
      const outcome = this.#parse(records, from, length === left);
      if (outcome === "zeros") return;
      if (this.#offset > from) want = CHUNK_BYTES;
      else if (length === left) return;
      else want = records.length(0); // one record that is larger than the buffer
    }
  }

  *#readHeader(size: number): Generator<Piece, boolean, number> {
    if (size < METRIC_FILE_HEADER_BYTES) return false;
    const header = Buffer.alloc(METRIC_FILE_HEADER_BYTES);
    const bytesRead = yield { into: header, length: header.length, position: 0 };
    if (bytesRead < header.length || header.every((byte) => byte === 0)) return false;
    if (header.toString("latin1", 0, 8) !== METRIC_MAGIC)
      this.#unreadable = `${this.file} is damaged from byte 0 on: it is not a metric file`;
    else if (header.readUInt32LE(8) !== METRIC_VERSION)
      this.#unreadable = `${this.file} has version ${String(header.readUInt32LE(8))}, made by a newer Trainyard`;
    else this.#offset = this.#recordEnd = METRIC_FILE_HEADER_BYTES;
    return this.#unreadable === null;
  }

  /** Takes records from a chunk that lies at `base` in the file, and moves the offset behind the last one taken. */
  #parse(chunk: Chunk, base: number, atEnd: boolean): ChunkEnd {
    let at = 0;
    const commit = (next: number): void => {
      at = next;
      this.#offset = this.#recordEnd = base + at;
    };
    while (at + METRIC_RECORD_HEADER_BYTES <= chunk.size) {
      const kind = chunk.kind(at);
      if (kind === METRIC_KIND_ROW) {
        const set = this.#sets.get(chunk.set(at));
        if (set?.rowBytes === chunk.length(at)) {
          const count = chunk.equalRecords(at, set.rowBytes);
          if (count === 0) return "part";
          this.#leaveDamage(base + at);
          this.#sink.rows(
            set,
            chunk.doubles.subarray(at / 8, at / 8 + (count * set.rowBytes) / 8),
            count,
            this.#left(base + at, set) - count,
          );
          this.#rows += count;
          commit(at + count * set.rowBytes);
          continue;
        }
      } else if (kind === METRIC_KIND_SET) {
        const length = chunk.length(at);
        if (length >= SET_PREFIX_BYTES && length % 8 === 0 && length <= MAX_RECORD_BYTES) {
          if (at + length > chunk.size) return "part";
          const names = chunk.names(at, length);
          if (names !== null) {
            this.#leaveDamage(base + at);
            const id = chunk.set(at);
            this.#sets.set(id, { id, names, rowBytes: 8 * (ROW_PREFIX + names.length) });
            commit(at + length);
            continue;
          }
        }
      }
      at = this.#searchRecord(chunk, at, base);
    }
    if (atEnd && this.#current?.onlyZeros === true) {
      this.#offset = this.#current.start;
      this.#current = null;
      return "zeros";
    }
    return "border";
  }

  /** Goes on through bytes that are no record, to the next place that looks like one or to the end of the chunk. */
  #searchRecord(chunk: Chunk, start: number, base: number): number {
    this.#current ??= { start: base + start, onlyZeros: true };
    let at = start;
    do {
      if (!chunk.isZero(at)) this.#current.onlyZeros = false;
      at += 8;
    } while (at + METRIC_RECORD_HEADER_BYTES <= chunk.size && !this.#looksLikeRecord(chunk, at));
    this.#offset = base + at;
    return at;
  }

  #looksLikeRecord(chunk: Chunk, at: number): boolean {
    const kind = chunk.kind(at);
    if (kind === METRIC_KIND_ROW) return this.#sets.get(chunk.set(at))?.rowBytes === chunk.length(at);
    return kind === METRIC_KIND_SET && chunk.length(at) >= SET_PREFIX_BYTES && chunk.length(at) % 8 === 0;
  }

  get #size(): number {
    return this.#identity?.size ?? 0;
  }

  #left(offset: number, set: KnownSet): number {
    return Math.floor((this.#size - offset) / set.rowBytes);
  }

  #leaveDamage(end: number): void {
    if (this.#current === null) return;
    this.#firstDamage ??= this.#current.start;
    this.#damagedBytes += end - this.#current.start;
    this.#current = null;
  }
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Typed views over a piece of the file that starts at a multiple of 8. */
class Chunk {
  readonly size: number;
  readonly doubles: Float64Array;
  readonly #u32: Uint32Array;
  readonly #u16: Uint16Array;
  readonly #bytes: Uint8Array;

  constructor(buffer: ArrayBuffer, size: number) {
    this.size = size;
    this.doubles = new Float64Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#u16 = new Uint16Array(buffer);
    this.#bytes = new Uint8Array(buffer);
  }

  length(at: number): number {
    return this.#u32[at / 4] ?? 0;
  }

  kind(at: number): number {
    return this.#u16[at / 2 + 2] ?? 0;
  }

  set(at: number): number {
    return this.#u16[at / 2 + 3] ?? 0;
  }

  isZero(at: number): boolean {
    return this.#u32[at / 4] === 0 && this.#u32[at / 4 + 1] === 0;
  }

  /** How many whole records with the same header lie one after the other from `at` on. */
  equalRecords(at: number, length: number): number {
    const u32 = this.#u32;
    const low = u32[at / 4];
    const high = u32[at / 4 + 1];
    const words = length / 4;
    const most = Math.floor((this.size - at) / length);
    let count = 0;
    for (let word = at / 4; count < most && u32[word] === low && u32[word + 1] === high; word += words) count++;
    return count;
  }

  /** Names of a SET record, or null when it does not parse. */
  names(at: number, length: number): string[] | null {
    const count = this.length(at + METRIC_RECORD_HEADER_BYTES);
    const end = at + length;
    const names: string[] = [];
    let p = at + SET_PREFIX_BYTES;
    for (let i = 0; i < count; i++) {
      if (p + 2 > end) return null;
      const size = (this.#bytes[p] ?? 0) + 256 * (this.#bytes[p + 1] ?? 0);
      p += 2;
      if (p + size > end) return null;
      names.push(utf8.decode(this.#bytes.subarray(p, p + size)));
      p += size;
    }
    return end - p < 8 ? names : null;
  }
}
