/** The moving average on a page: what is asked of the server as the slider moves, and that the lines are those of every point. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { decodeFrame } from "../../protocol/frames.ts";
import { newRunId } from "../../protocol/ids.ts";
import type { Topic } from "../../protocol/messages.ts";
import { extrasOf, sayExtras, seriesFrame } from "../../server/http/series-answer.ts";
import { createRunSeries } from "../../server/series/run-series.ts";
import type { RunSeries } from "../../server/series/types.ts";
import { readSeries } from "../../webviews/charts/series-store.ts";
import { RunPoints } from "../../webviews/charts/run-points.ts";
import { type CurveSource, meanCurve } from "../../webviews/compare/curves.ts";
import type { TopicHandlers, Transport } from "../../webviews/transport/transport.ts";
import { encodeRows, type Row } from "../series/model.ts";

type SeriesTopic = Extract<Topic, { topic: "series" }>;

const COUNT = 9000;
const run = newRunId();
let dir: string;
let file: string;
let series: RunSeries;
/** What the page is subscribed to, and all that it ever was. */
let open: { topic: SeriesTopic; handlers: TopicHandlers } | null;
let asked: SeriesTopic[];
let points: RunPoints;

const rowsTo = (end: number): Row[] =>
  Array.from({ length: end }, (_, step) => ({
    time: step,
    step,
    values: { long: Math.sin(step / 50) + (step % 13), ...(step % 10 === 0 && { short: step % 70 }) },
  }));

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "trainyard-page-smoothing-"));
  file = path.join(dir, "metrics.bin");
  await writeFile(file, encodeRows(rowsTo(COUNT)));
  series = createRunSeries(run, () => Promise.resolve([{ attempt: 1, file, resumedFromStep: null }]));
  await series.poll();
  open = null;
  asked = [];
  const transport = {
    subscribe: (topic: SeriesTopic, handlers: TopicHandlers) => {
      const mine = { topic, handlers };
      open = mine;
      asked.push(topic);
      return {
        close: () => {
          if (open === mine) open = null;
        },
      };
    },
  } as unknown as Transport;
  points = new RunPoints(transport, run, () => undefined, 1000);
});
afterEach(async () => {
  points.close();
  series.close();
  await rm(dir, { recursive: true, force: true });
});

/** The server's next frame for the subscription. */
async function answer(): Promise<void> {
  const { topic, handlers } = open!;
  const extras = extrasOf(topic);
  const { windows, cursor, reset } = series.since(topic.cursor, topic.metrics, topic.max_points!, extras);
  const frame = decodeFrame(await seriesFrame(1, run, windows, cursor, reset, sayExtras(series, extras)));
  if (open !== null) open.topic = { ...topic, cursor };
  handlers.frame?.(frame.header, frame.body);
}

/** Of every point: a plain sum of its own. */
function averages(name: "long" | "short", weight: number, end = COUNT): Map<number, number> {
  let [sum, whole] = [0, 0];
  return new Map(
    rowsTo(end).flatMap(({ step, values }) => {
      const value = values[name];
      if (value === undefined) return [];
      sum = sum * weight + value;
      whole = whole * weight + 1;
      return [[step, sum / whole] as const];
    }),
  );
}

function expectLine(name: "long" | "short", weight: number, end = COUNT): void {
  const columns = points.store.get(name)!;
  const wanted = averages(name, weight, end);
  const line = columns.smoothed(weight);
  expect(columns.smoothedBy(weight)).toBe(weight);
  columns.steps.forEach((step, i) => {
    expect(line[i]).toBeCloseTo(wanted.get(step)!, 9);
  });
}

it("asks once for what the slider stands at, again where it went on meanwhile, and shows the lines it has until then", async () => {
  points.smoothBy(0.8);
  points.followAll();
  expect(asked.map(({ smoothing }) => smoothing)).toEqual([0.8]);
  points.smoothBy(0.5); // before the first answer
  await answer();
  await answer();
  expectLine("long", 0.5);
  expectLine("short", 0.5);
  expect(points.store.get("long")!.length).toBeLessThanOrEqual(1000);
  const before = points.store.get("long")!.smoothed(0.5).slice();
  for (const weight of [0.6, 0.7, 0.9]) points.smoothBy(weight);
  expect(asked.map(({ smoothing }) => smoothing)).toEqual([0.8, 0.5, 0.6]);
  expect(points.store.get("long")!.smoothed(0.9)).toEqual(before);
  // Every point of it is here.
  expectLine("short", 0.9);
  await answer();
  expect(points.store.get("long")!.smoothedBy(0.9)).toBe(0.6);
  await answer();
  expect(asked.map(({ smoothing }) => smoothing)).toEqual([0.8, 0.5, 0.6, 0.9]);
  expectLine("long", 0.9);
  points.smoothBy(0);
  expect(asked.at(-1)).not.toHaveProperty("smoothing");
  await answer();
  expect(points.store.get("long")!.smoothed(0)).toEqual(points.store.get("long")!.values);
});

it("goes on with points as they come, thinned or whole", async () => {
  points.smoothBy(0.95);
  points.followAll();
  await answer();
  for (const end of [COUNT + 1, COUNT + 64, COUNT + 700]) {
    await writeFile(file, encodeRows(rowsTo(end)));
    await series.poll();
    await answer();
    expect(points.store.get("long")!.steps.at(-1)).toBe(end - 1);
    expectLine("long", 0.95, end);
    expectLine("short", 0.95, end);
  }
  expect(asked).toHaveLength(1);
});

it("asks for nothing while every point is here", async () => {
  points.follow(["short"]);
  await answer();
  for (const weight of [0.2, 0.4, 0.99, 0]) {
    points.smoothBy(weight);
    expectLine("short", weight);
  }
  expect(asked).toHaveLength(1);
});

/** Replicates of these lengths, each with a value of its own at a step. */
async function replicates(
  lengths: readonly number[],
  everyOther: boolean,
): Promise<{ series: RunSeries; averages: Map<number, number> }[]> {
  const made: { series: RunSeries; averages: Map<number, number> }[] = [];
  for (const [i, length] of lengths.entries()) {
    const at = path.join(dir, `replicate ${String(i)}`);
    const rows = Array.from({ length }, (_, n): Row => {
      const step = everyOther ? 2 * n + (i % 2) : n;
      return {
        time: step,
        step,
        values: { loss: n % 997 === 3 ? Number.NaN : Math.cos(step / 700) + ((step * (7919 + i)) % 103) / 50 + i },
      };
    });
    await writeFile(at, encodeRows(rows));
    const of = createRunSeries(newRunId(), () => Promise.resolve([{ attempt: 1, file: at, resumedFromStep: null }]));
    await of.poll();
    let [sum, whole] = [0, 0];
    const averages = new Map<number, number>();
    for (const { step, values } of rows) {
      const value = values["loss"]!;
      if (!Number.isNaN(value)) [sum, whole] = [sum * WEIGHT + value, whole * WEIGHT + 1];
      averages.set(step, Number.isNaN(value) ? Number.NaN : sum / whole);
    }
    made.push({ series: of, averages });
  }
  return made;
}

const WEIGHT = 0.9;

async function meanOf(
  runs: readonly { series: RunSeries }[],
  range: { fromStep?: number; toStep?: number },
): Promise<ReturnType<typeof meanCurve>> {
  const sources: CurveSource[] = [];
  for (const { series: of } of runs) {
    const windows = of.window({ metrics: ["loss"], maxPoints: 1000, smoothing: WEIGHT, ...range });
    const { header, body } = decodeFrame(await seriesFrame(null, run, windows, {}, true, { smoothing: WEIGHT }));
    sources.push({ columns: readSeries(header, body).get("loss")!, origin: 0 });
  }
  return meanCurve(sources, "step", WEIGHT, "std");
}

it("gives the mean of replicates of which few points are here as of every point, at any zoom and of any lengths", async () => {
  const runs = await replicates([20_000, 20_000, 13_333], false);
  for (const [fromStep, toStep] of [
    [0, 20_000],
    [5000, 20_000],
    [3001, 14_002],
    [700, 1500],
  ] as const) {
    const { steps, ys, counts } = await meanOf(runs, { fromStep, toStep });
    expect(steps.length).toBeGreaterThan(80);
    steps.forEach((step, i) => {
      const values = runs.flatMap(({ averages: of }) => (Number.isFinite(of.get(step)) ? [of.get(step)!] : []));
      expect(counts?.[i]).toBe(values.length);
      if (values.length === 0) expect(ys[i]).toBeNaN();
      else expect(ys[i]).toBeCloseTo(values.reduce((sum, each) => sum + each, 0) / values.length, 9);
    });
  }
  for (const { series: of } of runs) of.close();
});

it("still gives a mean of replicates that logged no step in common", async () => {
  const runs = await replicates([9000, 9000], true);
  const { steps, ys } = await meanOf(runs, {});
  expect(steps.length).toBeGreaterThan(500);
  expect(ys.filter(Number.isFinite).length).toBeGreaterThan(500);
  for (const { series: of } of runs) of.close();
});
