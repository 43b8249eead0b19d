/** Appends rows to a metric file (the server's own: samples of the machine). A file of an earlier writer is continued after its last whole record. */
import { open, type FileHandle } from "node:fs/promises";
import { TrainyardError } from "../../protocol/errors.ts";
import { METRIC_FILE_HEADER_BYTES, METRIC_MAX_SETS } from "../../protocol/metric-file.ts";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";
import { writeError } from "./fs-errors.ts";
import { MetricFileReader } from "./metric-reader.ts";

export class MetricFileWriter {
  readonly file: string;
  readonly #handle: FileHandle;
  /** Names as JSON → set id. */
  readonly #sets: Map<string, number>;
  #nextSet: number;
  #size: number;
  #last: Promise<void> = Promise.resolve();

  private constructor(file: string, handle: FileHandle, sets: Map<string, number>, size: number) {
    this.file = file;
    this.#handle = handle;
    this.#sets = sets;
    this.#nextSet = Math.max(-1, ...sets.values()) + 1;
    this.#size = size;
  }

  /**
   * Opens or makes the file.
   * @throws TrainyardError corrupt_record (it is no metric file of this version; it is left as it is) | disk_full | store_unwritable
   */
  static async open(file: string): Promise<MetricFileWriter> {
    const reader = new MetricFileReader(file, { rows: () => undefined, restart: () => undefined });
    await reader.read();
    if (reader.offset === 0 && reader.damage !== null)
      throw new TrainyardError("corrupt_record", reader.damage, "Move the file away, then try again.");
    try {
      const handle = await open(file, "a");
      try {
        await handle.truncate(reader.offset);
        if (reader.offset === 0) await handle.appendFile(fileHeader());
      } catch (error) {
        await handle.close();
        throw error;
      }
      const sets = new Map(reader.sets.map((set) => [JSON.stringify(set.names), set.id]));
      return new MetricFileWriter(file, handle, sets, Math.max(reader.offset, METRIC_FILE_HEADER_BYTES));
    } catch (error) {
      throw writeError(error, `open ${file}`, file);
    }
  }

  /**
   * Appends one row. Calls are served in order; a failed write leaves the file at its last whole record.
   * @param time ms since the epoch
   * @throws TrainyardError disk_full | store_unwritable
   */
  async append(time: number, step: number, values: Readonly<Record<string, number>>): Promise<void> {
    const work = this.#last.then(() => this.#write(time, step, values));
    this.#last = work.catch(() => undefined);
    return work;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#handle.close();
  }

  async #write(time: number, step: number, values: Readonly<Record<string, number>>): Promise<void> {
    const names = Object.keys(values);
    const key = JSON.stringify(names);
    const known = this.#sets.get(key);
    const set = known ?? this.#nextSet;
    if (set >= METRIC_MAX_SETS)
      throw new TrainyardError("too_large", `${this.file} has used up its ${String(METRIC_MAX_SETS)} sets of names`);
    const row = rowRecord(set, time, step, Object.values(values));
    const bytes = known === undefined ? Buffer.concat([setRecord(set, names), row]) : row;
    try {
      await this.#handle.appendFile(bytes);
    } catch (error) {
      await this.#handle.truncate(this.#size).catch(() => undefined);
      throw writeError(error, `append to ${this.file}`, this.file);
    }
    this.#size += bytes.length;
    if (known !== undefined) return;
    this.#sets.set(key, set);
    this.#nextSet = set + 1;
  }
}
