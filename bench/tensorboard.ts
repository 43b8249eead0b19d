/**
 * Opening a run of a million scalars and cutting what its charts draw, beside TensorBoard's own EventAccumulator loading the same scalars
 * from an event file. Both are read from a warm file cache, by a process that has its code loaded already.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { newRunId } from "../protocol/ids.ts";
import { seriesFrame } from "../server/http/series-answer.ts";
import { createRunSeries } from "../server/series/run-series.ts";
import { writeMetricFile } from "./lib/metric-files.ts";
import { medianMs, type BenchResult } from "./lib/result.ts";

const ROWS = 100_000;
const NAMES = ["loss", "grad_norm", "learning_rate", "accuracy", "entropy", "kl", "reward", "tokens", "loss/eval", "memory"];
/** What a chart on a wide screen asks for. */
const MAX_POINTS = 2000;
const ROUNDS = 9;

export async function run(): Promise<BenchResult> {
  const folder = await mkdtemp(path.join(tmpdir(), "trainyard-bench-"));
  try {
    const points = ROWS * NAMES.length;
    const values = new Float64Array(points).map((_, i) => Math.exp(-i / 1e6) + Math.random());
    const file = path.join(folder, "metrics.bin");
    await writeMetricFile(file, NAMES, ROWS, (row) => values.subarray(row * NAMES.length, (row + 1) * NAMES.length));

    const raw = path.join(folder, "values");
    const events = path.join(folder, "events");
    await mkdir(events);
    await writeFile(raw, values);
    await python("write", raw, events, String(ROWS), ...NAMES);
    const theirs = JSON.parse(await python("read", events)) as { wall: number; cpu: number; points: number };
    if (theirs.points !== points) throw new Error(`TensorBoard read ${String(theirs.points)} of ${String(points)} points`);

    const open = async (): Promise<void> => {
      const id = newRunId();
      const series = createRunSeries(id, () => Promise.resolve([{ attempt: 1, file, resumedFromStep: null }]));
      await series.poll();
      const windows = series.window({ metrics: NAMES, maxPoints: MAX_POINTS });
      const frame = await seriesFrame(null, id, windows, series.cursor(), true, {});
      if (windows.length !== NAMES.length || frame.length < MAX_POINTS * NAMES.length * 8) throw new Error("the windows are not whole");
      if (series.list().some((info) => info.count !== ROWS)) throw new Error("points are missing");
      series.close();
    };
    const cpu = await medianMs(ROUNDS, open);
    const wall = await medianMs(ROUNDS, open, "wall");
    return {
      bench: "tensorboard",
      lines: [
        { what: "TensorBoard's event file of 1M scalars", value: await megabytes(path.join(events, EVENT_FILE)), unit: "MB" },
        { what: "the metric file of the same scalars", value: await megabytes(file), unit: "MB" },
        { what: "TensorBoard: EventAccumulator, processor time", value: theirs.cpu, unit: "ms" },
        { what: "Trainyard: open, 10 windows, one frame, processor time", value: cpu, unit: "ms" },
        { what: "  times as fast", value: theirs.cpu / cpu, unit: "×", target: { at_least: 20 } },
        { what: "TensorBoard: EventAccumulator, wall", value: theirs.wall, unit: "ms" },
        { what: "Trainyard: open, 10 windows, one frame, wall", value: wall, unit: "ms" },
        { what: "  times as fast", value: theirs.wall / wall, unit: "×", target: { at_least: 20 } },
      ],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const EVENT_FILE = "events.out.tfevents.1700000000.bench";

async function megabytes(file: string): Promise<number> {
  return (await stat(file)).size / 1e6;
}

async function python(...args: readonly string[]): Promise<string> {
  const command = process.env["TRAINYARD_PYTHON"] ?? "python3";
  const { stdout } = await promisify(execFile)(command, [path.resolve("bench/lib/tensorboard_events.py"), ...args]);
  return stdout;
}
