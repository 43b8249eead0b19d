/** Plots without a page: groups and bins against a computation of their own, specifications against vega-lite, parallel coordinates. */
import fc from "fast-check";
import { compile, type TopLevelSpec } from "vega-lite";
import { parse, View } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { describe, expect, it } from "vitest";
import type { AggregateResult, FieldInfo, Statistics } from "../../protocol/analysis.ts";
import { compilePredicate } from "../../protocol/expression/evaluate.ts";
import { parseFilter } from "../../protocol/expression/parse.ts";
import { newRunId } from "../../protocol/ids.ts";
import type { JsonValue } from "../../protocol/json.ts";
import { PlotKind, PlotSettings, Spread } from "../../protocol/saved.ts";
import { joinClauses } from "../../webviews/explore/filter-text.ts";
import { inBin, markFilter } from "../../webviews/plots/mark-filter.ts";
import { axesOf, moveAxis, nearestLine, passes } from "../../webviews/plots/parallel-scale.ts";
import { binRows, category, groupFields, groupRows, isPlaced, plotCsv, type PlotRow, pointRow } from "../../webviews/plots/plot-data.ts";
import { missingPart } from "../../webviews/plots/plot-model.ts";
import { parallelSpec, plotSpec } from "../../webviews/plots/plot-spec.ts";

const settings = (part: Partial<PlotSettings>): PlotSettings => ({ ...PlotSettings.parse({}), ...part });
const statistics: Statistics = {
  count: 4,
  missing: 0,
  non_finite: 0,
  sum: 10,
  mean: 2.5,
  median: 2,
  min: 1,
  max: 5,
  std: 1.5,
  sem: 0.75,
  ci95: [0.1, 4.9],
  q1: 1.5,
  q3: 3.5,
};

describe("groups", () => {
  const groups: AggregateResult["groups"] = [{ key: [1e-4, "adamw"], runs: 4, values: { "metrics.loss": statistics } }];
  const row = (part: Partial<PlotSettings>): PlotRow | undefined =>
    groupRows(groups, settings({ kind: "line", x: "params.lr", y: "metrics.loss", color: "params.optim", ...part }))[0];

  it("have their statistic in the middle and their spread around it", () => {
    expect(row({ aggregate: "mean", spread: "std" })).toMatchObject({ x: 1e-4, color: "adamw", y: 2.5, low: 1, high: 4, runs: 4 });
    expect(row({ aggregate: "mean", spread: "sem" })).toMatchObject({ low: 1.75, high: 3.25 });
    expect(row({ aggregate: "mean", spread: "ci95" })).toMatchObject({ low: 0.1, high: 4.9 });
    expect(row({ aggregate: "median", spread: "quartiles" })).toMatchObject({ y: 2, low: 1.5, high: 3.5 });
    expect([row({ aggregate: "min" })?.y, row({ aggregate: "max" })?.y]).toEqual([1, 5]);
    expect(row({ aggregate: "mean", spread: "none" })).not.toHaveProperty("low");
    expect(row({ kind: "box" })).toMatchObject({ low: 1, q1: 1.5, median: 2, q3: 3.5, high: 5 });
  });

  it("name each field once, and leave out what has no number", () => {
    expect(groupFields(settings({ x: "params.lr", color: "params.lr", facet: "record.recipe" }))).toEqual(["params.lr", "record.recipe"]);
    const empty = [{ key: [1], runs: 1, values: { "metrics.loss": { ...statistics, count: 0, mean: null } } }];
    expect(groupRows(empty, settings({ kind: "bar", x: "params.lr", y: "metrics.loss" }))).toEqual([]);
  });
});

it("bins hold every value once, each its lower edge, the last one its upper edge too", () => {
  const values = fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { maxLength: 60 });
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 12 }), (xs, bins) => {
      const edges = Array.from({ length: bins + 1 }, (_, i) => (10 * i) / bins);
      const rows = binRows(
        xs.map((x, n) => ({ x, color: n % 2 })),
        edges,
      );
      for (let bin = 0; bin < bins; bin++) {
        const [start, end] = [edges[bin] ?? 0, edges[bin + 1] ?? 0];
        for (const color of [0, 1]) {
          const expected = xs.filter((x, n) => n % 2 === color && x >= start && (x < end || (bin === bins - 1 && x === end))).length;
          expect(rows.find((row) => row.start === start && row.color === color)?.runs ?? 0).toBe(expected);
        }
      }
    }),
  );
});

describe("the filter of a mark", () => {
  type Run = Readonly<Record<string, JsonValue>>;
  const info = (name: string, type: FieldInfo["type"]): FieldInfo => ({ name, type, count: 1, missing: 0, min: null, max: null, non_finite: 0, unique: null, values: [] }); // prettier-ignore
  const known = new Map(
    ([["metrics.val loss", "numeric"], ["params.optim", "string"], ["params.bf16", "boolean"], ["record.tags", "list"]] as const) // prettier-ignore
      .map(([name, type]) => [name, info(name, type)]),
  );
  const passes = (clauses: readonly string[], run: Run): boolean =>
    compilePredicate(parseFilter(joinClauses(clauses).text), (field) => () => {
      const value = run[field];
      return value === null || typeof value === "object" ? undefined : value;
    })(0);

  it("lets the runs of a bar through and no others, whatever colour and facet are", () => {
    const runs = fc.array(
      fc.record({
        "metrics.val loss": fc.option(fc.double({ min: -5, max: 5, noNaN: true })),
        "params.optim": fc.constantFrom('ada"mw', "lion", null),
        "params.bf16": fc.constantFrom(true, false, null),
      }),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 6 }), (all, bins) => {
        const plot = settings({ kind: "histogram", x: "metrics.val loss", color: "params.optim", facet: "params.bf16" });
        const fields = ["record.name", ...groupFields(plot)];
        const points = all.map((run, n) => {
          const values = fields.map((field) => (field === "record.name" ? String(n) : (run[field as keyof typeof run] ?? null)));
          return pointRow({ id: newRunId(), values }, fields, plot);
        });
        const edges = Array.from({ length: bins + 1 }, (_, i) => -5 + (10 * i) / bins);
        const drawn = binRows(points.filter((point) => point !== null), edges); // prettier-ignore
        for (const mark of drawn) {
          const { clauses, whole } = markFilter(plot, mark, 5, known);
          expect(whole).toBe(true);
          const found = all.filter((run) => passes(clauses, run)).length;
          expect(found).toBe(mark.runs);
          expect(points.filter((point) => inBin(mark, point?.x, 5)).length).toBeGreaterThanOrEqual(found);
        }
      }),
    );
  });

  it("says that it is not whole where no condition names the value", () => {
    const mark: PlotRow = { x: "lion", color: '["a","b"]', y: 1, runs: 2 };
    const plot = settings({ kind: "bar", x: "params.optim", y: "metrics.val loss", color: "record.tags" });
    expect(markFilter(plot, mark, Number.NaN, known)).toEqual({
      clauses: ['params.optim = "lion"', 'is_finite(metrics."val loss")'],
      whole: false,
    });
  });
});

it("points keep texts, write lists as JSON, and are left out where they lack a coordinate", () => {
  const id = newRunId();
  const fields = ["record.name", "params.lr", "record.tags", "metrics.loss"];
  const chosen = settings({ x: "params.lr", y: "metrics.loss", color: "record.tags" });
  expect(pointRow({ id, values: ["a", 1, ["x"], 2] }, fields, chosen)).toEqual({ id, name: "a", x: 1, y: 2, color: '["x"]' });
  expect(pointRow({ id, values: ["a", null, [], 2] }, fields, chosen)).toBeNull();
  expect(pointRow({ id, values: ["a", 1, [], null] }, fields, chosen)).toBeNull();
  expect(category(null)).toBe("–");
  expect(plotCsv([{ x: 1, y: 2, name: 'a "b"' }], chosen)).toBe('params.lr,metrics.loss,name\r\n1,2,"a ""b"""\r\n');
});

it("marks have a place on an axis of numbers only where theirs is finite, and above zero on a logarithmic one", () => {
  const lr: FieldInfo = { name: "params.lr", type: "numeric", count: 9, missing: 0, min: 0, max: 1, non_finite: 1, unique: 4, values: [] };
  const known = new Map([["params.lr", lr]]);
  const plain = settings({ x: "params.lr", y: "metrics.loss" });
  const placed = (x: number | string, y: number | string, part: Partial<PlotSettings> = {}): boolean =>
    isPlaced({ x, y }, { ...plain, ...part }, known);
  expect([placed(1, -2), placed(1, "NaN"), placed("Infinity", 1)]).toEqual([true, false, false]);
  expect([placed(0, 1, { log_x: true }), placed(1, 0, { log_y: true }), placed(1, 1, { log_x: true, log_y: true })]).toEqual([
    false,
    false,
    true,
  ]);
  // Texts stand beside each other, and so do the values under bars and boxes.
  expect([placed("NaN", 1, { x: "params.optim" }), placed("NaN", 1, { kind: "bar" }), placed(0, 1, { kind: "box", log_x: true })]).toEqual(
    Array(3).fill(true),
  );
});

describe("specifications", () => {
  const info = (name: string, type: FieldInfo["type"], unique: number | null = 4): [string, FieldInfo] => [
    name,
    { name, type, count: 9, missing: 0, min: 0, max: 1, non_finite: 0, unique, values: [] },
  ];
  const known = new Map([
    info("params.lr", "numeric"),
    info("metrics.loss", "numeric", null),
    info("params.optim", "string"),
    info("params.seed", "numeric", null),
    info("record.created_at", "string"),
  ]);
  const rows: PlotRow[] = Array.from({ length: 12 }, (_, n) => ({
    x: 10 ** -(1 + (n % 3)),
    y: 1 + n,
    low: n,
    high: n + 2,
    q1: n + 0.5,
    median: n + 1,
    q3: n + 1.5,
    runs: 3,
    start: n,
    end: n + 1,
    color: n % 2 === 0 ? "a" : "b",
    facet: n % 4,
  }));

  it("draw every kind with every way of spread, colour, facet and scale, without code being made from text", async () => {
    const sets = PlotKind.options
      .filter((kind) => kind !== "parallel")
      .flatMap((kind) =>
        [null, "params.optim", "params.seed"].flatMap((color, index) =>
          [null, "params.lr"].map((facet) =>
            settings({ kind, x: "params.lr", y: "metrics.loss", color, facet, log_x: index === 1, aggregate: "mean" }),
          ),
        ),
      );
    const spreads = Spread.options.map((spread) =>
      settings({ kind: "line", x: "record.created_at", y: "metrics.loss", aggregate: "mean", spread, spread_mark: "band" }),
    );
    for (const each of [...sets, ...spreads]) {
      const drawn = each.color === "params.seed" ? rows.map((row, n) => ({ ...row, color: n })) : rows;
      const { spec } = compile(plotSpec(each, drawn, known, "dark", { width: 700, height: 400 }) as unknown as TopLevelSpec);
      const view = new View(parse(spec, {}, { ast: true }), { expr: expressionInterpreter, renderer: "none" });
      const svg = await view.toSVG();
      expect(svg.match(/<path|<rect|<line/g)?.length ?? 0, JSON.stringify(each)).toBeGreaterThan(3);
      expect(svg).not.toMatch(/NaN|undefined/);
      view.finalize();
    }
  });

  it("label their axes so that neighbours are told apart, at powers of ten where the axis is logarithmic", async () => {
    const labels = async (part: Partial<PlotSettings>, drawn: readonly PlotRow[]): Promise<string[]> => {
      const chosen = settings({ kind: "scatter", x: "params.lr", y: "metrics.loss", ...part });
      const { spec } = compile(plotSpec(chosen, drawn, known, "dark", { width: 500, height: 300 }) as unknown as TopLevelSpec);
      const view = new View(parse(spec, {}, { ast: true }), { expr: expressionInterpreter, renderer: "none" });
      const svg = await view.toSVG();
      view.finalize();
      return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text ?? "");
    };
    const rates = [2e-5, 1e-4, 5e-4, 1e-3].map((x, n) => ({ x, y: 20 * (n + 1), runs: 1 }));
    expect(await labels({ log_x: true }, rates)).toEqual(expect.arrayContaining(["1e\u22124", "1e\u22123", "20", "80", "lr", "loss"]));
    expect(await labels({ kind: "bar" }, rates)).toEqual(expect.arrayContaining(["2e\u22125", "1e\u22124", "5e\u22124", "1e\u22123"]));
    const bins = [5, 10].map((runs, n) => ({ start: n, end: n + 1, runs }));
    expect(await labels({ kind: "histogram" }, bins)).toEqual(expect.arrayContaining(["0", "10"]));
    // A spread that reaches below zero ends at the lowest value that such an axis has.
    const spread = [{ x: 1, y: 1, low: -1, high: 3, runs: 2 }, { x: 2, y: 10, low: 9, high: 11, runs: 2 }]; // prettier-ignore
    const whole = await labels({ aggregate: "mean", spread: "std", log_y: true }, spread);
    expect(whole).toEqual(expect.arrayContaining(["1", "10"]));
    expect(whole.join()).not.toContain("NaN");
    // Five in the afternoon is not five.
    const afternoon = [16, 18].map((hour) => ({ x: new Date(2026, 0, 1, hour).getTime(), y: hour, runs: 1 }));
    expect(await labels({ x: "record.created_at" }, afternoon)).toContain("17:00");
    // A linear axis that begins at zero.
    const small = [0, 5e-4].map((x) => ({ x, y: 1, runs: 1 }));
    expect(await labels({}, small)).toEqual(expect.arrayContaining(["0", "1e\u22124"]));
  });

  it("of parallel coordinates carry the runs that are shown, and the axes of all", async () => {
    const lines = [1, 2].map((value) => ({ id: newRunId(), name: `r${String(value)}`, color: "a", values: [value, "x"] }));
    const chosen = settings({ kind: "parallel", axes: ["params.optim", "params.lr"] });
    const spec = parallelSpec(chosen, lines, lines.slice(0, 1), known, "light", { width: 300, height: 200 });
    expect((spec["data"] as { values: unknown[] }).values).toHaveLength(2);
    const view = new View(parse(compile(spec as unknown as TopLevelSpec).spec), { renderer: "none" });
    const svg = await view.toSVG();
    view.finalize();
    const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text ?? "");
    expect(texts).toEqual(["optim", "lr", "1", "1.2", "1.4", "1.6", "1.8", "2", "x"]);
  });

  it("say what is still to be chosen", () => {
    expect(missingPart(settings({ kind: "parallel", axes: ["params.lr"] }))).toBe("Choose two axes or more.");
    expect(missingPart(settings({ kind: "scatter", x: "params.lr" }))).toBe("Choose what stands on the y axis.");
    expect(missingPart(settings({ kind: "box", y: "metrics.loss" }))).toBeNull();
  });
});

describe("parallel coordinates", () => {
  const line = (values: (number | string | null)[]) => ({ id: newRunId(), name: "a", color: null, values });
  const lines = [line([1, "a", 5]), line([10, "b", 5]), line([100, null, 5])];
  const axes = axesOf(["params.lr", "params.optim", "params.same"], lines);

  it("place numbers, by their logarithm where they span powers of ten, and texts one above the other", () => {
    expect([1, 10, 100].map((value) => axes[0]?.place(value))).toEqual([0, 0.5, 1]);
    expect(["a", "b", null].map((value) => axes[1]?.place(value))).toEqual([0, 1, null]);
    expect(axes[2]?.place(5)).toBe(0.5);
  });

  it("place numbers among which some are not finite, those nowhere, and label round values", () => {
    const [loss, rate] = axesOf(
      ["metrics.loss", "params.lr"],
      [line([0.95, 2e-5]), line(["NaN", 1e-3]), line([1.05, 1e-4]), line(["Infinity", 5e-4])],
    );
    expect(["NaN", "Infinity", 1].map((value) => loss?.place(value))).toEqual([null, null, expect.closeTo(0.5)]);
    expect(loss?.ticks.map(({ value }) => value)).toEqual([0.95, 0.96, 0.98, 1, 1.02, 1.04, 1.05]);
    expect(rate?.ticks.map(({ value }) => value)).toEqual([2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3]);
  });

  it("label values that lie close together so that they read apart, large ones too", () => {
    const labels = (values: number[]) => axesOf(["params.lr"], values.map((value) => line([value])))[0]?.ticks.map(({ label }) => label); // prettier-ignore
    expect(labels([1000.1, 1000.6])).toEqual(["1,000.1", "1,000.2", "1,000.3", "1,000.4", "1,000.5", "1,000.6"]);
    expect(labels([12_345_678.5, 12_345_678.75])?.[0]).toBe("12,345,678.5");
    expect(labels([1e12, 1e12 + 4])).toEqual(["1.000000000000e12", "1.000000000001e12", "1.000000000002e12", "1.000000000003e12", "1.000000000004e12"]); // prettier-ignore
    const ends = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 });
    fc.assert(
      fc.property(ends, ends, (low, high) => {
        const ticks = axesOf(["params.lr"], [line([low]), line([high])])[0]?.ticks ?? [];
        expect(new Set(ticks.map(({ label }) => label)).size).toBe(new Set(ticks.map(({ value }) => value)).size);
      }),
    );
  });

  it("let pass what all brushes let pass", () => {
    const brushes = new Map<string, readonly [number, number]>([["params.lr", [0.4, 1]]]);
    expect(lines.map((each) => passes(each, axes, brushes))).toEqual([false, true, true]);
    brushes.set("params.optim", [0, 1]);
    expect(lines.map((each) => passes(each, axes, brushes))).toEqual([false, true, false]);
  });

  it("find the line at a point, and none far from all", () => {
    expect(nearestLine(lines, axes, { x: 0.5, y: 0.74 }, 0.05)).toBe(1);
    expect(nearestLine(lines, axes, { x: 0.5, y: 0.4 }, 0.05)).toBeNull();
    expect(moveAxis(["a", "b", "c"], "c", -2)).toEqual(["c", "a", "b"]);
    expect(moveAxis(["a", "b", "c"], "a", -1)).toEqual(["a", "b", "c"]);
  });
});
