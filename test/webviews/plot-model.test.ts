/** What a plot asks for and says, of more runs and facets than it draws, and of values that are missing. */
import { compile, type TopLevelSpec } from "vega-lite";
import { parse, View } from "vega";
import { expect, it } from "vitest";
import type { FieldInfo, QueryResult } from "../../protocol/analysis.ts";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import type { JsonValue } from "../../protocol/json.ts";
import { PlotSettings } from "../../protocol/saved.ts";
import { lineColors } from "../../webviews/plots/line-colors.ts";
import { MOST_FACETS, MOST_POINTS, PlotModel } from "../../webviews/plots/plot-model.ts";
import { plotSpec } from "../../webviews/plots/plot-spec.ts";
import type { Transport } from "../../webviews/transport/transport.ts";

const settings = (part: Partial<PlotSettings>): PlotSettings => ({ ...PlotSettings.parse({}), ...part });

const numeric = (name: string): FieldInfo => ({
  name,
  type: "numeric",
  count: 9,
  missing: 1,
  min: 0,
  max: 1,
  non_finite: 0,
  unique: null,
  values: [],
});

type Run = Readonly<Record<string, JsonValue>>;

/** A server with these runs, which answers a page of a table at most, and bins of two. */
function modelOf(runs: readonly Run[]): PlotModel {
  const ids = runs.map((): RunId => newRunId());
  const answers: Readonly<Record<string, (body: { fields: string[]; limit: number; offset: number }) => unknown>> = {
    listFields: () => ({ fields: ["params.x", "params.y", "params.c"].map(numeric), runs: runs.length }),
    queryRuns: ({ fields, limit, offset }): QueryResult => ({
      fields,
      rows: runs.slice(offset, offset + Math.min(limit, 10_000)).map((run, i) => ({
        id: ids[offset + i] ?? newRunId(),
        values: fields.map((field) => run[field] ?? null),
      })),
      total: runs.length,
    }),
    histogram: () => ({ edges: [0, 0.5, 1], counts: [0, 0], count: runs.length, missing: 0, non_finite: 0, outside: 0, categories: [] }),
  };
  const transport = { request: (name: string, { body }: { body: never }) => Promise.resolve(answers[name]?.(body)) };
  return new PlotModel(transport as unknown as Transport, null);
}

async function loaded(runs: readonly Run[], part: Partial<PlotSettings>) {
  const model = modelOf(runs);
  await model.loadFields();
  return { model, result: await model.load(settings({ x: "params.x", y: "params.y", ...part })) };
}

const many = Array.from({ length: 2 * MOST_POINTS + 5 }, (_, n): Run => ({ "params.x": (n % 100) / 100, "params.y": n, "params.c": n }));

it("counts every run into the bins of a colour, and says how many are drawn one by one", async () => {
  const { result } = await loaded(many, { kind: "histogram", facet: "params.even" });
  expect(result.rows.reduce((sum, { runs = 0 }) => sum + runs, 0)).toBe(many.length);
  const scatter = (await loaded(many, {})).result;
  expect(scatter.rows).toHaveLength(MOST_POINTS);
  expect(scatter.note).toBe("The newest 10000 of 20005 runs are drawn.");
});

it("draws some of many facets, the first ones, and says so", async () => {
  const { result } = await loaded(many.slice(0, 100), { facet: "params.y" });
  expect(result.rows.map(({ facet }) => facet)).toEqual(Array.from({ length: MOST_FACETS }, (_, n) => n));
  expect(result.note).toBe("The first 60 of 100 facets are drawn.");
});

it("draws a run without a number to be coloured by, and says so", async () => {
  const runs = [...many.slice(0, 20), { "params.x": 0.5, "params.y": 1 }, { "params.x": 0.5, "params.y": 1, "params.c": "-Infinity" }];
  const { model, result } = await loaded(runs, { color: "params.c" });
  expect(result.note).toBe("2 marks have no number to be coloured by: grey.");
  for (const kind of ["scatter", "line"] as const) {
    const spec = plotSpec(settings({ kind, x: "params.x", y: "params.y", color: "params.c" }), result.rows, model.fields, "dark", {
      width: 500,
      height: 300,
    });
    const view = new View(parse(compile(spec as unknown as TopLevelSpec).spec), { renderer: "none" });
    const svg = await view.toSVG();
    view.finalize();
    expect(svg.match(/aria-roledescription="point"/g)).toHaveLength(runs.length);
    expect(svg.match(/fill="#808080"/g)).toHaveLength(2);
  }
});

it("has every field at its place, whichever are chosen twice", async () => {
  const run = { "record.name": "a run", "params.x": 1, "params.y": 2, "params.c": 3 };
  for (const x of ["record.name", "params.y", "params.c"])
    for (const color of [null, "record.name", "params.y", "params.c"]) {
      const { result } = await loaded([run], { x, color, facet: "record.name" });
      expect(result.rows, `${x} ${String(color)}`).toMatchObject([
        { x: run[x as keyof typeof run], y: 2, facet: "a run", ...(color !== null && { color: run[color as keyof typeof run] }) },
      ]);
    }
});

it("gives lines colours that say their value, by number where there are many", () => {
  const line = (color: JsonValue) => ({ id: newRunId(), name: "a", color, values: [] });
  const few = lineColors(["b", "a", "b", null].map(line), "dark");
  expect(few.of(line("a"))).not.toBe(few.of(line("b")));
  expect(few.legend.map(({ label }) => label)).toEqual(["a", "b", "–"]);
  const scale = lineColors([...Array(20).keys(), null, "Infinity"].map(line), "dark");
  expect([0, 19, null, "Infinity"].map((color) => scale.of(line(color)))).toEqual([
    "rgb(68, 1, 84)",
    "rgb(253, 231, 37)",
    "#808080",
    "#808080",
  ]);
  expect(scale.legend.map(({ label }) => label)).toEqual(["0 to 19", "no number"]);
});

it("says how many lines of parallel coordinates have gaps", async () => {
  const { result } = await loaded([...many.slice(0, 3), { "params.x": 1 }, { "params.x": "Infinity", "params.y": 1 }], {
    kind: "parallel",
    axes: ["params.x", "params.y"],
  });
  expect(result.note).toBe("2 runs lack values on some axis: gaps in the lines.");
});
