/**
 * Which lines of a growing log pass a filter. Only the number of matches in each block of lines is remembered, so that what is kept does not
 * grow with the matches; the lines of a page are found again in the few blocks that hold them.
 */
import type { FileHandle } from "node:fs/promises";
import type { LogLevel, LogLine } from "../../protocol/queries.ts";
import { guessLevel, LEVEL_WORDS, renderLine } from "./log-text.ts";
import { LONG_LINE_BYTES, type LogLines } from "./log-lines.ts";

/** Lines that are looked at together. */
const BLOCK_LINES = 4096;
/** Blocks of more bytes hold long lines: these are read a few at a time. */
const BLOCK_BYTES = 4 * 1024 * 1024;
const FEW_LINES = 128;
const MAX_KEPT_FILTERS = 4;

export interface LineFilter {
  readonly level: LogLevel | null;
  /** Lower case; "" finds everything. */
  readonly search: string;
}

export interface Matches {
  /** Matching lines in all. */
  readonly total: number;
  /** Numbers of the lines of the page, ascending. */
  readonly numbers: number[];
}

/** The searches through one log that were asked for last. */
export class LogSearches {
  readonly #lines: LogLines;
  readonly #matches = new Map<string, LogMatches>();

  constructor(lines: LogLines) {
    this.#lines = lines;
  }

  get(filter: LineFilter): LogMatches {
    const key = `${filter.level ?? ""}\n${filter.search}`;
    const matches = this.#matches.get(key) ?? new LogMatches(this.#lines, filter);
    this.#matches.delete(key); // put back at the end: the map is in the order of last use
    this.#matches.set(key, matches);
    for (const oldest of this.#matches.keys()) {
      if (this.#matches.size <= MAX_KEPT_FILTERS) break;
      this.#matches.delete(oldest);
    }
    return matches;
  }
}

export class LogMatches {
  readonly #lines: LogLines;
  readonly #filter: LineFilter;
  /** A matching line holds at least one of these, in lower case. */
  readonly #words: readonly string[];
  /** Plain ASCII is found without decoding. */
  readonly #encoding: "latin1" | "utf8";
  /** Matches in block i, for whole blocks that were looked at. */
  readonly #counts: number[] = [];

  constructor(lines: LogLines, filter: LineFilter) {
    this.#lines = lines;
    this.#filter = filter;
    const { search, level } = filter;
    this.#words = search !== "" || level === null ? [search] : LEVEL_WORDS[level];
    this.#encoding = isAscii(search) ? "latin1" : "utf8";
  }

  /** Of the matches in [first, end): how many there are, and those from the `skip`th on, at most `count`. */
  async page(handle: FileHandle, first: number, end: number, skip: number, count: number): Promise<Matches> {
    const numbers: number[] = [];
    let total = 0;
    for (let from = first; from < end;) {
      const block = Math.floor(from / BLOCK_LINES);
      const to = Math.min(end, (block + 1) * BLOCK_LINES);
      const whole = from === block * BLOCK_LINES && to === (block + 1) * BLOCK_LINES && to <= this.#lines.index.wholeLines;
      const known = whole ? this.#counts[block] : undefined;
      if (known !== undefined && (known === 0 || total + known <= skip || total >= skip + count)) {
        total += known;
      } else {
        const found = await this.#find(handle, from, to);
        // Blocks are looked at in their order, apart from those outside of the range of a page.
        if (whole && block <= this.#counts.length) this.#counts[block] = found.length;
        numbers.push(...found.slice(Math.max(0, skip - total), Math.max(0, skip + count - total)));
        total += found.length;
      }
      from = to;
    }
    return { total, numbers };
  }

  /** Numbers of the matching lines in [from, to): at most a block. */
  async #find(handle: FileHandle, from: number, to: number): Promise<number[]> {
    const [start, end] = await this.#lines.index.range(handle, from, to - from);
    if (end - start > BLOCK_BYTES) return this.#findInLongLines(handle, from, to);
    const bytes = await this.#lines.bytes(handle, start, end);
    // Most blocks hold nothing of what is looked for: found out from the whole of their text, not line by line.
    const text = bytes.toString(this.#encoding).toLowerCase();
    if (!this.#words.some((word) => text.includes(word))) return [];
    const found: number[] = [];
    const raw = bytes.toString("utf8").split("\n"); // what is no UTF-8 becomes U+FFFD
    for (let i = 0; from + i < to; i++) {
      const line = raw[i] ?? "";
      if (line.length > LONG_LINE_BYTES / 4) return this.#findInLongLines(handle, from, to);
      if (this.#passes(renderLine(line.replace(/\r+$/, "")).text)) found.push(from + i);
    }
    return found;
  }

  async #findInLongLines(handle: FileHandle, from: number, to: number): Promise<number[]> {
    const found: number[] = [];
    for (let at = from; at < to; at += FEW_LINES) {
      const lines: LogLine[] = await this.#lines.read(handle, at, Math.min(FEW_LINES, to - at));
      for (const line of lines) if (this.#passes(line.text)) found.push(line.number);
    }
    return found;
  }

  #passes(text: string): boolean {
    const { level, search } = this.#filter;
    return (search === "" || text.toLowerCase().includes(search)) && (level === null || guessLevel(text) === level);
  }
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text, "utf8") === text.length;
}
