/** Keeps the samples of the machine in the folders of the runs that live meanwhile: attempts/<n>/system.bin, a metric file. */
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { RunUsage, SystemSample } from "../../protocol/system.ts";
import { MetricFileReader } from "../store/metric-reader.ts";
import { MetricFileWriter } from "../store/metric-writer.ts";
import type { RunPaths, RunStore } from "../store/types.ts";

/** A disk that was full may have room again. */
const RETRY_MS = 10_000;

interface OpenFile {
  readonly attempt: number;
  readonly writer: MetricFileWriter;
  /** Number of the next sample. */
  step: number;
}

export class RunSamples {
  readonly #store: RunStore;
  readonly #log: (text: string) => void;
  readonly #files = new Map<RunId, OpenFile>();
  /** Attempts whose file cannot be written, each with the time (ms) from which it is tried again: the log says it once. */
  readonly #refused = new Map<string, number>();

  constructor(store: RunStore, log: (text: string) => void) {
    this.#store = store;
    this.#log = log;
  }

  /** Adds one row to each live run's file, and closes the files of runs that live no more. A failure costs that run its samples. */
  async write(
    live: ReadonlyMap<RunId, { readonly attempt: number }>,
    sample: SystemSample,
    usages: ReadonlyMap<RunId, RunUsage>,
  ): Promise<void> {
    for (const [run, file] of [...this.#files]) if (live.get(run)?.attempt !== file.attempt) await this.#close(run);
    for (const [run, { attempt }] of live) {
      const key = `${run} ${attempt}`;
      if (Date.now() < (this.#refused.get(key) ?? 0)) continue;
      try {
        const file = this.#files.get(run) ?? (await this.#open(run, attempt));
        await file.writer.append(sample.time, file.step, metricsOf(sample, usages.get(run)));
        file.step += 1;
        this.#refused.delete(key);
      } catch (error) {
        const full = error instanceof TrainyardError && error.code === "disk_full";
        if (!this.#refused.has(key))
          this.#log(`run ${run}: its samples of the machine are not kept: ${error instanceof Error ? error.message : String(error)}`);
        this.#refused.set(key, full ? Date.now() + RETRY_MS : Infinity);
        await this.#close(run);
      }
    }
  }

  async close(): Promise<void> {
    for (const run of [...this.#files.keys()]) await this.#close(run);
  }

  async #open(run: RunId, attempt: number): Promise<OpenFile> {
    const paths = this.#store.paths(run);
    const writer = await MetricFileWriter.open(paths.attempt(attempt).system);
    const file = { attempt, writer, step: await countRows(paths, attempt) };
    this.#files.set(run, file);
    return file;
  }

  async #close(run: RunId): Promise<void> {
    const file = this.#files.get(run);
    this.#files.delete(run);
    await file?.writer.close().catch(() => undefined);
  }
}

/** Samples of all attempts up to `attempt`: the numbers go on, or the joined curve would take a later attempt for a rewind. */
async function countRows(paths: RunPaths, attempt: number): Promise<number> {
  let rows = 0;
  for (let number = 1; number <= attempt; number++) {
    const reader = new MetricFileReader(paths.attempt(number).system, { rows: () => undefined, restart: () => undefined });
    await reader.read();
    rows += reader.rows;
  }
  return rows;
}

/** What is unknown is left out: there is no number for it. */
export function metricsOf(sample: SystemSample, usage: RunUsage | undefined): Record<string, number> {
  const metrics: Record<string, number> = {};
  const add = (name: string, value: number | null | undefined): void => {
    if (value != null) metrics[name] = value;
  };
  add("sys/cpu_percent", sample.cpu_percent);
  add("sys/memory_used_bytes", sample.memory_used_bytes);
  add("sys/memory_total_bytes", sample.memory_total_bytes);
  add("sys/disk_free_bytes", sample.disk_free_bytes);
  for (const gpu of sample.gpus) {
    const prefix = `sys/gpu${gpu.index}`;
    add(`${prefix}/utilization_percent`, gpu.utilization_percent);
    add(`${prefix}/memory_used_bytes`, gpu.memory_used_bytes);
    add(`${prefix}/memory_total_bytes`, gpu.memory_total_bytes);
    add(`${prefix}/temperature_celsius`, gpu.temperature_celsius);
    add(`${prefix}/power_watts`, gpu.power_watts);
  }
  add("sys/run/cpu_percent", usage?.cpu_percent);
  add("sys/run/rss_bytes", usage?.rss_bytes);
  return metrics;
}
