/**
 * The compact file of an attempt that is over: its columns and the nodes of its pyramids in pages, so that a window reads the pages that it
 * looks at and nothing else. An index: made from the metric file, which stays the truth, and good only while that is as it was.
 *
 * Little-endian. A preamble of 64 bytes, pages, and at the end a header in JSON that says where what lies. A page is up to 4096 doubles and one
 * more that holds their checksum: what a disk has lost is noticed before it is drawn.
 */
import { createHash } from "node:crypto";
import { closeSync, fstatSync, readSync } from "node:fs";
import { identityOf, type FileIdentity } from "../store/metric-reader.ts";
import { openFileSync } from "../store/open-file.ts";
import type { Seekable } from "./pyramid.ts";

export const COMPACT_MAGIC = 0x31_43_59_54; // "TYC1"
/** Counts up with each change of the layout or of what the header says. */
export const COMPACT_VERSION = 1;
export const PREAMBLE_BYTES = 64;
/** Doubles in a page; a multiple of the pyramid's nodes. */
export const PAGE = 4096;
/** Doubles that a page takes on the disk: its checksum follows it. */
export const PAGE_STRIDE = PAGE + 1;
/** Pages kept after they were read; 8 MiB. */
const CACHED = 256;

/** Doubles one after the other, in pages of their own. */
export interface Section {
  /** Byte of the first page. */
  readonly at: number;
  /** Doubles. */
  readonly length: number;
}

/** A column that needs no page where each value is `stride` more than the one before. */
export type Column = Section | { readonly first: number; readonly stride: number };

export interface CompactAxis {
  readonly length: number;
  readonly ascending: boolean;
  readonly steps: Column;
  readonly times: Column;
  readonly rows: Column;
}

export interface CompactCurve {
  readonly name: string;
  /** Place in the list of axes. */
  readonly axis: number;
  readonly length: number;
  readonly values: Section;
  /** Index of the first value that is smaller than the one before it, or not finite; null where there is none. */
  readonly firstFall: number | null;
  /** Indexes of the values that are not finite; null where there are none. */
  readonly gaps: Section | null;
  /** Nodes of all levels, from the base up: NODE doubles each. */
  readonly nodes: Section;
  /** How many nodes each level has. */
  readonly levels: readonly number[];
}

export interface CompactHeader {
  readonly source: FileIdentity;
  /** Of the newest bytes of the metric file. */
  readonly tail: string;
  readonly rows: number;
  readonly firstMetric: { readonly row: number; readonly step: number } | null;
  readonly newest: { readonly step: number; readonly time: number } | null;
  readonly epoch: number | null;
  readonly secondsPerStep: number | null;
  readonly stepRange: { readonly first: number; readonly last: number } | null;
  readonly axes: readonly CompactAxis[];
  readonly curves: readonly CompactCurve[];
  /** KNOWN doubles per curve. */
  readonly known: Section;
}

/** Doubles of a node: least and greatest value, where they are, and step and time there. */
export const NODE = 8;

/** Points of a curve that summaries ask for, each as index, step, time and value; the index is -1 where there is none. */
export const KNOWN_POINTS = ["first", "last", "least", "greatest", "firstNegative", "firstPositive", "firstGap"] as const;
export const KNOWN = 4 * KNOWN_POINTS.length;

/** What the file says cannot be: it is torn, of another version, or the disk lost some of it. */
export class CompactFileError extends Error {}

/** FNV-1a by words in two lanes, which do not wait for each other. @param words an even number of them */
export function checksum(words: Uint32Array): number {
  let even = 0x81_1c_9d_c5;
  let odd = 0x01_00_01_93;
  for (let i = 0; i < words.length; i += 2) {
    even = Math.imul(even ^ words[i]!, 0x01_00_01_93);
    odd = Math.imul(odd ^ words[i + 1]!, 0x01_00_01_93);
  }
  return (even ^ Math.imul(odd, 0x85_eb_ca_6b)) >>> 0;
}

const TAIL_BYTES = 4096;

/** The file as it is now, and the hash of its newest bytes. @throws Error of the system */
export function sourceOf(file: string): { identity: FileIdentity; tail: string } {
  const opened = openFileSync(file);
  try {
    const identity = identityOf(fstatSync(opened));
    const tail = Buffer.alloc(Math.min(identity.size, TAIL_BYTES));
    readSync(opened, tail, 0, tail.length, identity.size - tail.length);
    return { identity, tail: createHash("sha1").update(tail).digest("hex") };
  } finally {
    closeSync(opened);
  }
}

export function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.size === b.size && a.ino === b.ino && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;
}

/** A compact file that is open for reading. */
export class CompactFile {
  readonly header: CompactHeader;
  readonly #file: number;
  /** By their place in the file; the newest read stands last. */
  readonly #pages = new Map<number, Float64Array>();

  /** @throws CompactFileError, TrainyardError corrupt_record (it is no file), or an Error of the system */
  constructor(file: string) {
    this.#file = openFileSync(file);
    try {
      this.header = this.#readHeader();
    } catch (error) {
      closeSync(this.#file);
      throw error;
    }
  }

  /** Bytes that the pages in memory take. */
  get bytes(): number {
    let bytes = 0;
    for (const page of this.#pages.values()) bytes += page.buffer.byteLength;
    return bytes;
  }

  /** The page of the section that holds the double `index`, without its checksum. @throws CompactFileError */
  page(section: Section, index: number): Float64Array {
    const number = Math.floor(index / PAGE);
    const at = section.at + number * PAGE_STRIDE * 8;
    const known = this.#pages.get(at);
    if (known !== undefined) return known;
    const page = this.#read(at, Math.min(PAGE, section.length - number * PAGE));
    // The oldest goes, not the one that was looked at longest ago: windows go through pages in order.
    if (this.#pages.size >= CACHED) this.#pages.delete(this.#pages.keys().next().value!);
    this.#pages.set(at, page);
    return page;
  }

  /** @throws CompactFileError */
  all(section: Section): Float64Array {
    const all = new Float64Array(section.length);
    for (let from = 0; from < section.length; from += PAGE) all.set(this.page(section, from), from);
    return all;
  }

  close(): void {
    closeSync(this.#file);
    this.#pages.clear();
  }

  #read(at: number, count: number): Float64Array {
    const page = new Float64Array(count + 1);
    try {
      readSync(this.#file, new Uint8Array(page.buffer), 0, page.byteLength, at);
    } catch (error) {
      throw new CompactFileError(`the disk does not give the page at byte ${String(at)}`, { cause: error });
    }
    // Of a page that is cut the checksum is missing.
    if (page[count] !== checksum(new Uint32Array(page.buffer, 0, 2 * count)))
      throw new CompactFileError(`the page at byte ${String(at)} is damaged`);
    return page.subarray(0, count);
  }

  #readHeader(): CompactHeader {
    const { size } = fstatSync(this.#file);
    const preamble = new Float64Array(PREAMBLE_BYTES / 8);
    const words = new Uint32Array(preamble.buffer);
    const bytes = readSync(this.#file, words, 0, PREAMBLE_BYTES, 0);
    const { length } = words;
    if (bytes < PREAMBLE_BYTES || words[0] !== COMPACT_MAGIC || words[length - 1] !== checksum(words.subarray(0, length - 2)))
      throw new CompactFileError("it has no sound beginning");
    if (words[1] !== COMPACT_VERSION) throw new CompactFileError(`it has version ${String(words[1])}`);
    const [, whole, at, headerBytes, sum] = preamble as unknown as [number, number, number, number, number];
    if (size !== whole) throw new CompactFileError(`it has ${String(size)} of ${String(whole)} bytes`);
    const text = new Uint8Array(headerBytes);
    if (readSync(this.#file, text, 0, headerBytes, at) < headerBytes || checksum(new Uint32Array(text.buffer)) !== sum)
      throw new CompactFileError("its header is damaged");
    return JSON.parse(new TextDecoder().decode(text)) as CompactHeader; // As compact-write.ts wrote it: the checksum says so.
  }
}

/** Values of a section as the pyramid looks at them, a page at a time. */
export class PagedValues implements Seekable {
  readonly #file: CompactFile;
  readonly #section: Section;
  data: Float64Array = new Float64Array(0);
  start = 0;

  constructor(file: CompactFile, section: Section) {
    this.#file = file;
    this.#section = section;
  }

  seek(index: number): void {
    if (index >= this.start && index < this.start + this.data.length) return;
    this.data = this.#file.page(this.#section, index);
    this.start = index - (index % PAGE);
  }

  at(index: number): number {
    this.seek(index);
    return this.data[index - this.start]!;
  }
}
