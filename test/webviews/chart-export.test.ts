/** What a chart gives away: the drawing, the Vega-Lite specification as plain Vega draws it, and every point. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parse, View } from "vega";
import { compile } from "vega-lite";
import { describe, expect, it } from "vitest";
import { newRunId } from "../../protocol/ids.ts";
import { splitNames } from "../../protocol/name-list.ts";
import { createRunSeries } from "../../server/series/run-series.ts";
import { seriesFrame } from "../../server/http/series-answer.ts";
import type { Plot } from "../../webviews/charts/canvas-marks.ts";
import { chartSvg, type Stroke, vegaLiteSpec } from "../../webviews/charts/chart-export.ts";
import { type ChartSettings, DEFAULT_SETTINGS } from "../../webviews/charts/chart-sync.ts";
import { SeriesColumns } from "../../webviews/charts/columns.ts";
import { toCsv } from "../../webviews/charts/describe.ts";
import { RunPoints } from "../../webviews/charts/run-points.ts";
import { linearScale, logScale } from "../../webviews/charts/scale.ts";
import type { Transport } from "../../webviews/transport/transport.ts";
import { encodeRows } from "../series/model.ts";

function stroke(ys: readonly number[], fields: Partial<Stroke> = {}): Stroke {
  const steps = Float64Array.from(ys, (_, i) => i + 1);
  const common = { name: "a run", color: "#123456", dash: [], width: 2, alpha: 1, band: null, dots: false, marks: null };
  return { ...common, xs: steps, steps, ys: Float64Array.from(ys), ...fields };
}

function plot(x: readonly [number, number], y: readonly [number, number], log = false): Plot {
  const box = { left: 40, top: 10, width: 400, height: 200 };
  const range = [210, 10] as const;
  return { ...box, x: linearScale(x, [40, 440]), y: log ? logScale(y, range) : linearScale(y, range) };
}

/** What plain Vega draws of a specification. */
async function svgOf(strokes: readonly Stroke[], of: Plot, settings: Partial<ChartSettings> = {}, xOffset = 0): Promise<string> {
  const spec = vegaLiteSpec("loss\nof it", { strokes, plot: of, settings: { ...DEFAULT_SETTINGS, ...settings }, xOffset });
  const warned: string[] = [];
  const logger = { level: () => logger, error: warn, warn, info: () => logger, debug: () => logger };
  function warn(...args: readonly unknown[]): typeof logger {
    warned.push(args.join(" "));
    return logger;
  }
  const pasted = JSON.parse(JSON.stringify(spec)) as typeof spec;
  const svg = await new View(parse(compile(pasted, { logger: logger }).spec), {
    renderer: "none",
    logger: logger,
  }).toSVG();
  expect(warned).toEqual([]);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  return svg;
}

/** The paths of its lines. */
async function drawn(...shown: Parameters<typeof svgOf>): Promise<string[]> {
  const svg = await svgOf(...shown);
  return [...svg.matchAll(/<path aria-label="[^"]*" role="graphics-symbol" aria-roledescription="(?:line|area) mark" d="([^"]*)"/g)].map(
    (match) => match[1] ?? "",
  );
}

describe("the specification", () => {
  it("draws runs of one name as lines of their own, each with its gap, in the window that is shown", async () => {
    const [one, other] = [stroke([1, 2, NaN, 4, 5]), stroke([5, 4, 3, 2, 1], { dash: [6, 3] })];
    const paths = await drawn([one, other], plot([1, 5], [0, 10]));
    expect(paths).toEqual(["M0,180L100,160M300,120L400,100", "M0,100L100,120L200,140L300,160L400,180"]);
  });

  it("draws each line in its width, colour, dash and faintness, however many there are", async () => {
    for (const count of [1, 2, 3, 7]) {
      const strokes = Array.from({ length: count }, (_, i) =>
        stroke([i, i + 1], { color: `#00000${String(i)}`, width: 1 + i, alpha: 1 / (1 + i), dash: i % 2 === 0 ? [] : [6, i] }),
      );
      const svg = await svgOf(strokes, plot([1, 2], [0, 10]));
      const styles = [...svg.matchAll(/line mark" d="[^"]*" stroke="([^"]*)" stroke-width="([^"]*)" stroke-dasharray="([^"]*)" opacity="([^"]*)"/g)]; // prettier-ignore
      expect(styles.map(([, ...style]) => style)).toEqual(
        strokes.map(({ color, width, dash, alpha }) => [color, String(width), dash.length === 0 ? "1,0" : dash.join(), String(alpha)]),
      );
    }
  });

  it("leaves gaps on a log axis where values are at or below zero", async () => {
    const paths = await drawn([stroke([1, 10, 0, -5, 100, 10])], plot([1, 6], [1, 100], true), { logY: true });
    expect(paths.join("").match(/M/g)).toHaveLength(2);
    expect(paths.join("")).not.toMatch(/NaN|Infinity/);
  });

  it("counts relative time in seconds from the first point", async () => {
    const origin = 1.7e12;
    const xs = Float64Array.from([0, 1000, 2000], (ms) => origin + ms);
    const shown = plot([origin, origin + 2000], [0, 4]);
    expect(await drawn([stroke([1, 2, 3], { xs })], shown, { xAxis: "relative" }, origin)).toEqual(["M0,150L200,100L400,50"]);
  });

  it("has the band of a mean, and dots where there is no more than points", async () => {
    const band = { low: Float64Array.from([0, 1]), high: Float64Array.from([2, 3]) };
    expect(await drawn([stroke([1, 2], { band })], plot([1, 2], [0, 4]))).toHaveLength(2);
    const shown = { plot: plot([0, 2], [0, 4]), settings: DEFAULT_SETTINGS, xOffset: 0 };
    expect(JSON.stringify(vegaLiteSpec("loss", { ...shown, strokes: [stroke([1], { dots: true })] }))).toContain('"point":{"size":16}');
  });
});

describe("the drawing", () => {
  it("has lines, bands, dots and marks as the canvas does", () => {
    const band = { low: Float64Array.from([0, NaN, 1]), high: Float64Array.from([2, NaN, 3]) };
    const strokes = [stroke([1, NaN, 2], { name: "<b> & \"q\"", band, dots: true, marks: "#ff0000" })]; // prettier-ignore
    const svg = chartSvg('<svg width="480"><g/></svg>', strokes, plot([1, 3], [0, 4]), "#fff");
    expect(svg).toContain("<title>&lt;b&gt; &amp; &quot;q&quot;</title>");
    expect(svg).toContain('d="M40.0,110.0L40.0,210.0M440.0,60.0L440.0,160.0" fill="#123456" fill-opacity="0.22"');
    expect(svg.match(/<circle/g)).toHaveLength(2);
    expect(svg).toContain('<path d="M236.0,10L244.0,10L240.0,17Z" fill="#ff0000"/>');
  });
});

describe("points as CSV", () => {
  it("are all that were logged, however many the page holds", async () => {
    const dir = await mkdtemp(path.join(tmpdir(), "trainyard-csv-"));
    try {
      const file = path.join(dir, "metrics.bin");
      const count = 210_000;
      // Every seventh step is logged three times, and a name may hold what parts a list.
      const stepOf = (i: number): number => (i % 7 === 3 ? i - 1 : i % 7 === 4 ? i - 2 : i) / 2;
      const name = "a, b";
      await writeFile(file, encodeRows(Array.from({ length: count }, (_, i) => ({ time: i, step: stepOf(i), values: { [name]: i / 3, "a": 1 } })))); // prettier-ignore
      const series = createRunSeries(newRunId(), () => Promise.resolve([{ attempt: 1, file, resumedFromStep: null }]));
      await series.poll();
      let asked = 0;
      const transport = {
        bytes: (_: string, { query }: { query: { metrics: string; from_step: number; to_step: number; max_points: number } }) => {
          asked++;
          const window = { fromStep: query.from_step, toStep: query.to_step, maxPoints: query.max_points };
          return seriesFrame(null, series.run, series.window({ metrics: splitNames(query.metrics), ...window }), {}, false, {});
        },
      } as unknown as Transport;
      const points = new RunPoints(transport, series.run, () => undefined);
      const pieces = await points.all(name, [0, stepOf(count - 1)]);
      expect(asked).toBe(3);
      const lines = toCsv(name, pieces, null).join("").split("\n");
      expect(lines[0]).toBe('step,time,attempt,"a, b"');
      expect(lines).toHaveLength(count + 2);
      for (const i of [0, 3, 4, 1000, 104_998, 104_999, 105_000, 105_001, count - 1])
        expect(lines[i + 1]).toBe(`${String(stepOf(i))},${new Date(i).toISOString()},1,${String(i / 3)}`);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });

  it("have a time even where no calendar has it", () => {
    const columns = new SeriesColumns();
    columns.append(1, 1e300, 0.1, 2);
    expect(toCsv("loss", [columns], null).join("")).toBe("step,time,attempt,loss\n1,1e+300,2,0.1\n");
  });
});
