/**
 * Opening a finished run of ten million points and cutting its first chart: from the metric file, and from the compact file that the server
 * makes of it. Both from a warm file cache. Memory is what each keeps of the run afterwards, as the server counts it.
 */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { newRunId } from "../protocol/ids.ts";
import { CompactFiles } from "../server/series/compact-files.ts";
import { createRunSeries } from "../server/series/run-series.ts";
import type { RunSeries } from "../server/series/types.ts";
import { writeMetricFile } from "./lib/metric-files.ts";
import { median, medianMs, type BenchLine, type BenchResult } from "./lib/result.ts";

/** What a chart on a wide screen asks for. */
const MAX_POINTS = 2000;
const WEIGHT = 0.99;
const SHAPES = [
  { name: "1 metric × 10M rows", metrics: 1, rows: 10_000_000, target: 20 },
  { name: "10 metrics × 1M rows", metrics: 10, rows: 1_000_000, target: 5 },
];

export async function run(): Promise<BenchResult> {
  const lines: BenchLine[] = [];
  for (const shape of SHAPES) lines.push(...(await measure(shape)));
  return { bench: "compact", lines };
}

async function measure({ name, metrics, rows, target }: (typeof SHAPES)[number]): Promise<BenchLine[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "trainyard-bench-"));
  try {
    const id = newRunId();
    const file = path.join(folder, "metrics.bin");
    const names = Array.from({ length: metrics }, (_, i) => `metric_${String(i)}`);
    const values = new Float64Array(metrics);
    await writeMetricFile(file, names, rows, (row) => values.map((_, i) => Math.sin(row / 1e5) + i + Math.random()));
    const compact = new CompactFiles(path.join(folder, "columns"));
    const open = (files: CompactFiles | null): RunSeries =>
      createRunSeries(id, () => Promise.resolve([{ attempt: 1, file, resumedFromStep: null }]), files);

    const first = open(null);
    await first.poll();
    const plainMb = first.bytes / 1e6;
    first.close();
    const written = open(compact);
    await written.poll();
    const begun = performance.now();
    await written.compact();
    const writeMs = performance.now() - begun;
    written.close();

    let compactMb = 0;
    const chart = (files: CompactFiles | null, drawn: readonly string[]) => async (): Promise<void> => {
      const series = open(files);
      await series.poll();
      const windows = series.window({ metrics: drawn, maxPoints: MAX_POINTS });
      if (windows.some((window) => window.steps.length < MAX_POINTS / 2) || windows.length !== drawn.length)
        throw new Error("too few points");
      if (series.list().some((info) => info.count !== rows)) throw new Error("points are missing");
      if (files !== null) compactMb = series.bytes / 1e6;
      series.close();
    };
    const zoomed = open(compact);
    await zoomed.poll();
    const smoothed = (from: number, to: number): number => {
      const start = performance.now();
      const query = { metrics: names, fromStep: from, toStep: to, maxPoints: MAX_POINTS, smoothing: WEIGHT };
      if (zoomed.window(query).some((window) => window.smoothed?.length !== window.steps.length)) throw new Error("averages are missing");
      return performance.now() - start;
    };
    const firstSmoothed = smoothed(0, rows);
    const laterSmoothed = median(Array.from({ length: 21 }, (_, i) => smoothed((i * rows) / 60, rows - (i * rows) / 60)));
    zoomed.close();
    const plain = await medianMs(5, chart(null, names), "wall");
    const quick = await medianMs(21, chart(compact, names), "wall");
    if (compactMb * 5 > plainMb) throw new Error("the points were not read from the compact file");
    return [
      { what: `${name}: its metric file`, value: (await stat(file)).size / 1e6, unit: "MB" },
      { what: "  its compact file", value: (await stat(path.join(folder, "columns", `${id}.1.columns`))).size / 1e6, unit: "MB" },
      { what: "  making that in the background, pauses included", value: writeMs, unit: "ms" },
      { what: "  first charts from the metric file", value: plain, unit: "ms" },
      { what: "  first charts from the compact file", value: quick, unit: "ms" },
      { what: "  charts from the compact file, smoothed anew", value: firstSmoothed, unit: "ms" },
      { what: "  the same in another window", value: laterSmoothed, unit: "ms" },
      { what: "    times as fast", value: plain / quick, unit: "×", target: { at_least: target } },
      { what: "  in memory then, from the metric file", value: plainMb, unit: "MB" },
      { what: "  in memory then, from the compact file", value: compactMb, unit: "MB" },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
