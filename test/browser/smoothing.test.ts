/** The smoothed line in a real Chromium against a real server: at one place the same value at every zoom, in numbers and in pixels. */
import { mkdir } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import { openStore } from "../../server/store/store.ts";
import { placeOfWeight, weightText } from "../../webviews/charts/smoothing-scale.ts";
import { attemptRecord } from "../store/fixtures.ts";
import { useChromium } from "./chromium.ts";
import { RealServer } from "./real-server.ts";

/** Many more than a chart is sent. */
const STEPS = 60_000;
/** Behind it a line that is smoothed from there on would begin far from the one that is smoothed from the first step on. */
const FALL = 30_000;
/** Where the second attempt of a resumed run begins. */
const RESUMED = 45_000;
const START = Date.UTC(2026, 0, 1);

/** A fall in a slow wave with a ripple, and some values that are none. @param run the second one lies higher */
function valueAt(step: number, run: number): number {
  if (step % 10_007 === 5) return Number.NaN;
  return (step < FALL ? 3 : 1) + Math.sin(step / 9000) + ((step * 7919) % 101) / 500 + run;
}

/** By its definition, a value at a time: of every step of a run. */
function averages(weight: number, run: number): Float64Array {
  let [sum, whole] = [0, 0];
  return Float64Array.from({ length: STEPS }, (_, step) => {
    const value = valueAt(step, run);
    if (Number.isNaN(value)) return Number.NaN;
    sum = sum * weight + value;
    whole = whole * weight + 1;
    return sum / whole;
  });
}

const chromium = useChromium();
let server: RealServer;
let page: Page;
let runs: string[];

/** The second attempt goes over again what the first logged from a step on, which was something else. */
async function addRun(name: string, run: number): Promise<string> {
  const { record, paths } = await server.live.addRun({ name, created_at: new Date(START).toISOString(), attempt: 2 });
  const store = await openStore(server.live.store);
  for (const number of [1, 2]) {
    const resumed = number === 1 ? null : { checkpoint: "ckpt", path: "checkpoints/ckpt", step: RESUMED - 1 };
    await store.writeAttempt(record.id, attemptRecord({ number, resumed_from: resumed, created_at: record.created_at }));
    await mkdir(paths.attempt(number).dir, { recursive: true });
    const file = await MetricFileWriter.open(paths.attempt(number).metrics);
    const [from, to] = number === 1 ? [0, RESUMED + 500] : [RESUMED, STEPS];
    for (let step = from; step < to; step++) {
      const loss = number === 1 && step >= RESUMED ? 20 : valueAt(step, run);
      await file.append(START + 1000 * step, step, { loss });
    }
    await file.close();
  }
  store.close();
  return record.id;
}

beforeAll(async () => {
  server = await RealServer.start([]);
  runs = [await addRun("one", 0), await addRun("two", 1)];
}, 60_000);

afterAll(() => server.close());

beforeEach(async () => {
  page = await chromium.open(1200, 800);
  return () => page.close();
});

interface Line {
  readonly name: string;
  readonly steps: readonly number[];
  readonly ys: readonly number[];
  /** How much of the line's own colour stands where it is drawn at a step, 0 to 255. */
  readonly ink: readonly number[];
}

/** The lines as they were drawn last, in the window that the chart shows. @param at steps whose pixels are looked at */
function drawn(at: readonly number[], heights: readonly number[]): Promise<Line[]> {
  return page.getByTestId("chart-loss").evaluate(
    (element, [steps, values]) => {
      interface Scale {
        at(value: number): number;
        invert(pixel: number): number;
      }
      interface Stroke {
        readonly name: string;
        readonly steps: Float64Array;
        readonly xs: Float64Array;
        readonly ys: Float64Array;
      }
      const { view } = element as unknown as {
        view: { shown: { strokes: Stroke[]; plot: { left: number; width: number; x: Scale; y: Scale } } | null } | null;
      };
      const canvas = element.shadowRoot?.querySelector<HTMLCanvasElement>("canvas.lines");
      const context = canvas?.getContext("2d");
      if (view?.shown == null || context == null) return [];
      const { strokes, plot } = view.shown;
      const [left, right] = [plot.x.invert(plot.left), plot.x.invert(plot.left + plot.width)];
      return strokes.map(({ name, xs, ys, steps: all }) => {
        const inside = [...xs.keys()].filter((i) => (xs[i] ?? 0) >= left && (xs[i] ?? 0) <= right);
        const ink = steps.map((step, i) => {
          const x = Math.round(plot.x.at(xs[all.indexOf(step)] ?? step));
          const y = Math.round(plot.y.at(values[i] ?? 0));
          // As wide as the dashes of a baseline are apart.
          const { data } = context.getImageData(x - 2, y - 1, 5, 3);
          return Math.max(...data.filter((_, k) => k % 4 === 3));
        });
        return { name, steps: inside.map((i) => all[i] ?? 0), ys: inside.map((i) => ys[i] ?? 0), ink };
      });
    },
    [at, heights] as const,
  );
}

async function zoomTo(window: readonly [number, number] | null): Promise<void> {
  await page.getByTestId("chart-loss").evaluate((element, to) => {
    (element as unknown as { sync: { zoom: { set(window: unknown): void } } }).sync.zoom.set(to);
  }, window);
}

async function smoothBy(weight: number): Promise<void> {
  await page.getByTestId("smoothing").fill(String(placeOfWeight(weight)));
}

/** The pointer stands on nothing that makes one line stand out. */
function leave(): Promise<void> {
  return page.mouse.move(2, 2);
}

/** Once the lines are those of this weight and of this many points at least: each of their points is where the whole series has it. */
async function expectLines(names: readonly string[], weight: number, window: readonly [number, number], points: number): Promise<void> {
  const wanted = names.map((_, run) => averages(weight, run));
  const off = (lines: readonly Line[]): number[] =>
    names.map((name, run) => {
      const line = lines.find((each) => each.name === name);
      if (line === undefined || line.steps.length < points) return Infinity;
      return line.steps.reduce((most, step, i) => {
        const [is, should] = [line.ys[i] ?? Number.NaN, wanted[run]?.[step] ?? Number.NaN];
        return Number.isNaN(is) && Number.isNaN(should)
          ? most
          : Math.max(most, Number.isNaN(is - should) ? Infinity : Math.abs(is - should));
      }, 0);
    });
  await expect.poll(async () => Math.max(...off(await drawn([], []))), { timeout: 10_000 }).toBeLessThan(1e-9);
  // In pixels, where the ripple that is left is less than a line is wide.
  const places = [0.002, 0.2, 0.5, 0.8, 0.998].map((part) => Math.round(window[0] + part * (window[1] - window[0])));
  for (const line of wanted) {
    const heights = places.map((step) => line[step] ?? Number.NaN);
    const [{ ink } = { ink: [] }] = await drawn(places, heights);
    expect(ink, `the line at steps ${places.join(", ")}`).toSatisfy((each: number[]) => each.every((alpha) => alpha > 60));
  }
}

const WINDOWS: readonly (readonly [window: readonly [number, number] | null, points: number])[] = [
  [null, 1000],
  [[20_000, 50_000], 1000],
  // Right behind the fall, and over the step at which the second attempt began.
  [[FALL + 100, FALL + 1100], 1001],
  [[FALL + 150, FALL + 190], 41],
  [[RESUMED - 200, RESUMED + 300], 501],
  [null, 1000],
];

describe("the smoothed line", () => {
  it("of a run is the same at every zoom, and under every weight that the slider is moved to", async () => {
    await page.goto(server.address(`run=${runs[0] ?? ""}`));
    for (const [i, [window, points]] of WINDOWS.entries()) {
      const weight = [0.99, 0.95, 0.998][i % 3] ?? 0;
      await zoomTo(window);
      await smoothBy(weight);
      await expectLines(["loss"], weight, window ?? [0, STEPS - 1], points);
      await expect.poll(() => page.getByTestId("chart-loss").getByTestId("chart-notes").innerText()).toBe(`smoothed ${weightText(weight)}`);
    }
  });

  it("of each run of a comparison is, by steps and by times", async () => {
    await page.goto(server.address(`compare=${runs.join(",")}`));
    await smoothBy(0.99);
    // The line that comes down from the fall is to be seen whole.
    await page.getByRole("button", { name: "Ignore outliers", pressed: true }).click();
    await leave();
    for (const [window, points] of WINDOWS) {
      await zoomTo(window);
      await expectLines(["one", "two"], 0.99, window ?? [0, STEPS - 1], Math.min(points, 500));
    }
    await page.getByTestId("x-axis-relative").click();
    await leave();
    await zoomTo([1000 * (FALL + 100), 1000 * (FALL + 700)]);
    await expectLines(["one", "two"], 0.99, [FALL + 100, FALL + 700], 601);
  });
});
