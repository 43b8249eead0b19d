/** Windows of a series of ten million points, and what the pyramid that answers them costs when points are appended. */
import { Axis, Curve } from "../server/series/curve.ts";
import { Float64Column } from "../server/series/columns.ts";
import { CurvePoints, type Segment } from "../server/series/points.ts";
import { SmoothedCurve } from "../server/series/smoothed-curve.ts";
import { clip, cutWindow, type SmoothedStretch } from "../server/series/window.ts";
import { medianMs, type BenchResult } from "./lib/result.ts";

const POINTS = 10_000_000;
const BLOCK = 4096;
const APPENDED = 2_000_000;
const MAX_POINTS = 2000;
const WEIGHT = 0.99;

export async function run(): Promise<BenchResult> {
  const block = new Float64Array(3 * BLOCK); // time, step, value
  const curve = new Curve("loss", new Axis());
  for (let from = 0; from < POINTS; from += BLOCK) {
    const count = Math.min(BLOCK, POINTS - from);
    fill(block, from, count);
    curve.axis.append(block, 0, 3, count, from);
    curve.append(block, 2, 3, count);
  }
  const segments: Segment[] = [{ points: new CurvePoints(curve), from: 0, to: POINTS, attempt: 1, attempts: null }];
  const cut = (from: number, to: number, smoothed: SmoothedStretch | null): void => {
    const window = cutWindow("loss", clip(segments, from, to, false).segments, MAX_POINTS, null, smoothed);
    if (window.steps.length < 1000) throw new Error("the window is too small");
  };
  const zoom = (from: number, to: number, smoothed: SmoothedCurve | null = null): Promise<number> =>
    medianMs(
      201,
      () => {
        // As for each window that a client asks for: the curve may have grown.
        smoothed?.follow(segments);
        cut(from, to, smoothed === null ? null : { curve: smoothed, first: from });
      },
      "wall",
    );
  const smoothed = new SmoothedCurve(WEIGHT);
  const firstSmoothed = await medianMs(5, () => {
    const anew = new SmoothedCurve(WEIGHT);
    anew.follow(segments);
    cut(0, POINTS, { curve: anew, first: 0 });
  });

  fill(block, 0, BLOCK);
  const plain = await medianMs(11, () => {
    const columns = [new Float64Column(), new Float64Column(), new Float64Column()];
    for (let from = 0; from < APPENDED; from += BLOCK) for (const [offset, column] of columns.entries()) appendPlain(column, block, offset);
  });
  const withPyramid = await medianMs(11, () => {
    const target = new Curve("loss", new Axis());
    for (let from = 0; from < APPENDED; from += BLOCK) {
      target.axis.append(block, 0, 3, BLOCK, from);
      target.append(block, 2, 3, BLOCK);
    }
  });

  return {
    bench: "zoom",
    lines: [
      { what: "window of all 10M points", value: await zoom(0, POINTS), unit: "ms", target: { at_most: 3 } },
      { what: "window of 3.3M points in the middle", value: await zoom(3_333_333, 6_666_666), unit: "ms", target: { at_most: 3 } },
      { what: "window of 50k points", value: await zoom(5_000_000, 5_050_000), unit: "ms", target: { at_most: 3 } },
      { what: "first window under a weight: every point smoothed", value: firstSmoothed, unit: "ms", target: { at_most: 200 } },
      { what: "smoothed window of all 10M points", value: await zoom(0, POINTS, smoothed), unit: "ms", target: { at_most: 3 } },
      { what: "smoothed window of 3.3M points", value: await zoom(3_333_333, 6_666_666, smoothed), unit: "ms", target: { at_most: 3 } },
      { what: "smoothed window of 50k points", value: await zoom(5_000_000, 5_050_000, smoothed), unit: "ms", target: { at_most: 3 } },
      { what: "memory of the averages of 10M points", value: smoothed.bytes / 2 ** 20, unit: "MB", target: { at_most: 10 } },
      { what: "plain append of step, time and value", value: (plain * 1e6) / APPENDED, unit: "ns/point" },
      { what: "append with rows, gaps and pyramid", value: (withPyramid * 1e6) / APPENDED, unit: "ns/point" },
      { what: "of the plain append", value: withPyramid / plain, unit: "×", target: { at_most: 2 } },
    ],
  };
}

function fill(block: Float64Array, from: number, count: number): void {
  for (let i = 0; i < count; i++) {
    block[3 * i] = 1.7e12 + from + i;
    block[3 * i + 1] = from + i;
    block[3 * i + 2] = Math.sin((from + i) / 1e5) + Math.random();
  }
}

function appendPlain(column: Float64Column, block: Float64Array, offset: number): void {
  column.reserve(BLOCK);
  const { data, length } = column;
  for (let i = 0, p = offset; i < BLOCK; i++, p += 3) data[length + i] = block[p] ?? 0;
  column.length += BLOCK;
}
