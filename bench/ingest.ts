/** Reading a metric file into columns and pyramids, beside JSON.parse alone over the same rows as JSON lines. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { newRunId } from "../protocol/ids.ts";
import { createRunSeries } from "../server/series/run-series.ts";
import { writeMetricFile } from "./lib/metric-files.ts";
import { medianMs, type BenchResult } from "./lib/result.ts";

const ROWS = 400_000;
const NAMES = ["loss", "grad_norm", "learning_rate", "epoch", "accuracy"];
const ROUNDS = 15;

export async function run(): Promise<BenchResult> {
  const folder = await mkdtemp(path.join(tmpdir(), "trainyard-bench-"));
  try {
    const file = path.join(folder, "metrics.bin");
    await writeMetricFile(file, NAMES, ROWS, (step) => rowAt(step).values);
    const points = ROWS * NAMES.length;
    const ingest = await medianMs(ROUNDS, async () => {
      const series = createRunSeries(newRunId(), () => Promise.resolve([{ attempt: 1, file, resumedFromStep: null }]));
      await series.poll();
      if (series.list().length !== NAMES.length) throw new Error("the series was not read");
      series.close();
    });
    // Made only now: half a million strings on the heap would slow down the collector in the measurement above.
    const lines = Array.from({ length: ROWS }, (_, step) => {
      const { time, values } = rowAt(step);
      return JSON.stringify({ time, step, ...Object.fromEntries(NAMES.map((name, i) => [name, values[i]])) });
    });
    const json = await medianMs(ROUNDS, () => {
      for (const line of lines) JSON.parse(line);
    });
    return {
      bench: "ingest",
      lines: [
        { what: "JSON.parse of the same rows as JSON lines", value: points / json / 1000, unit: "M points/s" },
        { what: "metric file into columns, pyramid and summaries", value: points / ingest / 1000, unit: "M points/s" },
        { what: "times as fast as JSON.parse alone", value: json / ingest, unit: "×", target: { at_least: 8 } },
      ],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Values with as many digits as real ones have. */
function rowAt(step: number): { time: number; values: number[] } {
  const noise = (seed: number): number => Math.abs(Math.sin(step * 12.9898 + seed) * 43_758.5453) % 1;
  const values = [Math.exp(-step / 1e5) + noise(1), noise(2) * 3, 5e-5 * (1 - step / ROWS), step / 1000, noise(3)];
  return { time: 1.7e12 + step * 37.5, values };
}
