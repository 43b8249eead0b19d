/**
 * The columns as a file, so that a large store need not be read again: typed arrays as they lie in memory, each at a multiple of 8, and behind
 * them what they mean. It belongs to one snapshot of the index (`generation`); one that does not fit it, or does not hold what it says, is
 * thrown away.
 *
 * Layout: 16 bytes of magic and version | arrays | description (JSON) | u32 its length, u32 checksum of all before, 8 bytes of magic.
 */
import { closeSync, fstatSync, readSync, writeSync } from "node:fs";
import { openFileSync } from "../store/open-file.ts";
import type { List, Numbers } from "./cell-kinds.ts";
import { Column, type ColumnState } from "./column.ts";
import { ColumnCounts, type SavedCounts } from "./column-counts.ts";
import type { RunTable } from "./table.ts";
import type { DerivedDefinitions } from "./types.ts";

const MAGIC = "TYCOLUMN";
/** Counts up with each change of this layout, or of what a column holds of a run. */
const VERSION = 1;
const HEADER_BYTES = 16;
const TRAILER_BYTES = 16;

interface Described {
  readonly field: string;
  /** Length of the arrays. */
  readonly length: number;
  readonly sparse: boolean;
  /** Numbers are doubles, not 32 bits wide. */
  readonly wide: boolean;
  readonly entries: readonly (string | List)[];
  readonly counts: SavedCounts;
}

interface Description {
  readonly generation: string;
  readonly rows: number;
  readonly definitions: DerivedDefinitions;
  readonly columns: readonly Described[];
}

export interface LoadedColumns {
  readonly ids: readonly string[];
  readonly columns: readonly (readonly [string, Column])[];
  readonly definitions: DerivedDefinitions;
}

/** Written synchronously: it is the worker's own thread, and the table must not change meanwhile. */
export function writeColumns(file: string, table: RunTable, generation: string): void {
  const handle = openFileSync(file, "write");
  try {
    const sum = new Checksum();
    const write = (bytes: Uint8Array): void => {
      const padded = bytes.length % 8 === 0 ? bytes : padTo8(bytes);
      sum.add(padded);
      for (let done = 0; done < padded.length;) done += writeSync(handle, padded, done);
    };
    const header = new Uint8Array(HEADER_BYTES);
    header.set(Buffer.from(MAGIC, "latin1"));
    new DataView(header.buffer).setUint32(8, VERSION, true);
    write(header);
    const rows = table.size;
    const room = 64 + (rows >> 4);
    const columns: Described[] = [];
    for (const [field, column] of table.columns) {
      if (column.count === 0) continue;
      const { rows: sparse, kinds, numbers, entries, counts } = column.save(rows, room);
      if (sparse !== null) write(bytesOf(sparse));
      write(kinds);
      write(bytesOf(numbers));
      const wide = numbers instanceof Float64Array;
      columns.push({ field, length: kinds.length, sparse: sparse !== null, wide, entries, counts: counts.save() });
    }
    const description: Description = { generation, rows, definitions: table.definitions, columns };
    const json = Buffer.from(JSON.stringify(description));
    write(json);
    const trailer = Buffer.alloc(TRAILER_BYTES);
    trailer.writeUInt32LE(json.length, 0);
    trailer.writeUInt32LE(sum.value, 4);
    trailer.write(MAGIC, 8, "latin1");
    writeSync(handle, trailer);
  } finally {
    closeSync(handle);
  }
}

/** null when the file is not there, not whole, of another version or of another generation. */
export function readColumns(file: string, generation: string): LoadedColumns | null {
  const bytes = readWhole(file);
  if (bytes === null || bytes.length < HEADER_BYTES + TRAILER_BYTES) return null;
  const view = new DataView(bytes.buffer);
  const end = bytes.length - TRAILER_BYTES;
  const text = (from: number): string => Buffer.from(bytes.buffer, from, 8).toString("latin1");
  if (text(0) !== MAGIC || view.getUint32(8, true) !== VERSION || text(end + 8) !== MAGIC || end % 8 !== 0) return null;
  const sum = new Checksum();
  sum.add(bytes.subarray(0, end));
  if (sum.value !== view.getUint32(end + 4, true)) return null;
  const length = view.getUint32(end, true);
  const start = end - (length + ((8 - (length % 8)) % 8));
  const description = JSON.parse(Buffer.from(bytes.buffer, start, length).toString("utf8")) as Description;
  return description.generation === generation ? decode(bytes.buffer, description) : null;
}

function decode(buffer: ArrayBuffer, { rows, definitions, columns }: Description): LoadedColumns {
  let offset = HEADER_BYTES;
  const take = <T>(make: (at: number) => T & { readonly byteLength: number }): T => {
    const array = make(offset);
    offset += array.byteLength + ((8 - (array.byteLength % 8)) % 8);
    return array;
  };
  const loaded = columns.map(({ field, length, sparse, wide, entries, counts: saved }): readonly [string, Column] => {
    const places = sparse ? take((at) => new Int32Array(buffer, at, length)) : null;
    const kinds = take((at) => new Uint8Array(buffer, at, length));
    const numbers = take<Numbers>((at) => (wide ? new Float64Array(buffer, at, length) : new Int32Array(buffer, at, length)));
    const counts = ColumnCounts.restore(saved);
    counts.countCodes(kinds, numbers, entries.length);
    const state: ColumnState = { rows: places, kinds, numbers, entries, counts };
    return [field, Column.restore(state)];
  });
  const idOf = loaded.find(([field]) => field === "record.id")?.[1];
  const ids = Array.from({ length: rows }, (_, row) => String(idOf?.value(row) ?? ""));
  return { ids, columns: loaded, definitions };
}

function readWhole(file: string): Uint8Array<ArrayBuffer> | null {
  let handle: number;
  try {
    handle = openFileSync(file);
  } catch {
    return null; // Not there (yet), or no file: the index is built anew.
  }
  try {
    const bytes = new Uint8Array(new ArrayBuffer(fstatSync(handle).size));
    for (let done = 0; done < bytes.length;) {
      const read = readSync(handle, bytes, done, bytes.length - done, done);
      if (read === 0) return null;
      done += read;
    }
    return bytes;
  } finally {
    closeSync(handle);
  }
}

function bytesOf(array: Numbers): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function padTo8(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(bytes.length + ((8 - (bytes.length % 8)) % 8));
  padded.set(bytes);
  return padded;
}

const PIECE_WORDS = 1 << 15;

function sumOf(start: number, words: Int32Array, from: number, to: number): number {
  let sum = start;
  for (let at = from; at < to; at++) sum = (Math.imul(sum, 31) + (words[at] ?? 0)) | 0;
  return sum;
}

/** Against torn and scribbled files, not against forgery: they lie in a private folder. */
class Checksum {
  #sum = 0;

  /** @param bytes a multiple of 8 long, at a multiple of 4 */
  add(bytes: Uint8Array): void {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    // In pieces: a function that is called often is compiled well sooner than one long loop.
    for (let start = 0; start < words.length; start += PIECE_WORDS)
      this.#sum = sumOf(this.#sum, words, start, Math.min(start + PIECE_WORDS, words.length));
  }

  get value(): number {
    return this.#sum >>> 0;
  }
}
