/** JSON lines: append-only files whose last line may be half written and whose lines may be damaged. */
import { open, type FileHandle } from "node:fs/promises";
import type { z } from "zod";
import { parseLenient } from "./file-checks.ts";
import { isAbsent, writeError } from "./fs-errors.ts";
import { openFile, refuseOthers } from "./open-file.ts";

const CHUNK_BYTES = 256 * 1024;
/** A longer line is no record of ours: it is passed over instead of being held in memory. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Reads a growing file of JSON lines record by record. Bytes after the last newline wait until their line is whole, so a
 * half-written line or a half-written UTF-8 character is never seen.
 */
export class JsonlTail<S extends z.ZodType> {
  readonly #file: string;
  readonly #schema: S;
  #offset = 0;
  /** Bytes after the last newline, which #offset already counts. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  #skippingLine = false;
  #badLines = 0;

  constructor(file: string, schema: S) {
    this.#file = file;
    this.#schema = schema;
  }

  /** Lines that were no records of this shape and were left out. */
  get badLines(): number {
    return this.#badLines;
  }

  /** Byte offset after the last whole line. */
  get offset(): number {
    return this.#offset - this.#restBytes;
  }

  /** Records appended since the last call. A file that is not there (yet) has none; one that shrank is read from its start. */
  async read(): Promise<z.output<S>[]> {
    let handle: FileHandle;
    try {
      handle = await openFile(this.#file);
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
    try {
      const { size } = await handle.stat();
      if (size < this.#offset) this.#restart();
      const records: z.output<S>[] = [];
      while (this.#offset < size) {
        const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - this.#offset));
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, this.#offset);
        if (bytesRead === 0) break;
        this.#offset += bytesRead;
        this.#feed(chunk.subarray(0, bytesRead), records);
      }
      return records;
    } finally {
      await handle.close();
    }
  }

  #restart(): void {
    this.#offset = 0;
    this.#rest = [];
    this.#restBytes = 0;
    this.#skippingLine = false;
  }

  #feed(chunk: Buffer, records: z.output<S>[]): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#rest.push(chunk.subarray(start, end));
      if (this.#skippingLine) this.#badLines++;
      else this.#line(Buffer.concat(this.#rest).toString("utf8"), records);
      this.#rest = [];
      this.#restBytes = 0;
      this.#skippingLine = false;
      start = end + 1;
    }
    this.#rest.push(chunk.subarray(start));
    this.#restBytes += chunk.length - start;
    if (this.#restBytes > MAX_LINE_BYTES) {
      this.#skippingLine = true;
      this.#rest = [];
    }
  }

  #line(text: string, records: z.output<S>[]): void {
    if (text.trim() === "") return;
    // Lenient: one bare NaN, as Python's json writes it, must not cost the record.
    const result = this.#schema.safeParse(parseLenient(text));
    if (result.success) records.push(result.data);
    else this.#badLines++;
  }
}

/** All whole records of a file. */
export async function readJsonl<S extends z.ZodType>(file: string, schema: S): Promise<z.output<S>[]> {
  return new JsonlTail(file, schema).read();
}

/**
 * Appends one record. A line that a crash left half written is closed first, so that it spoils itself alone.
 * @throws TrainyardError disk_full | store_unwritable
 */
export async function appendJsonl(file: string, value: unknown): Promise<void> {
  try {
    const handle = await open(file, "a+");
    try {
      const stats = await handle.stat();
      refuseOthers(stats, file);
      const { size } = stats;
      const last = Buffer.alloc(1);
      const torn = size > 0 && (await handle.read(last, 0, 1, size - 1)).bytesRead === 1 && last[0] !== NEWLINE;
      await handle.appendFile((torn ? "\n" : "") + JSON.stringify(value) + "\n");
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw writeError(error, `append to ${file}`, file);
  }
}
