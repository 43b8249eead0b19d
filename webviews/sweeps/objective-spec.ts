/** The objective over the runs of a sweep, as a Vega-Lite specification: a mark for each run, a line for the best so far. Pure. */
import type { SweepDetail } from "../../protocol/sweep.ts";
import { lineStyle, type ThemeKind } from "../charts/palette.ts";
import { placed, type PlotRow } from "../plots/plot-data.ts";
import type { PlotSize, VegaLiteSpec } from "../plots/plot-spec.ts";
import { bestSoFar, objectiveOf } from "./sweep-model.ts";

/** What the marks are told apart by, in this order, each with a slot of the palette and a shape. */
const GROUPS = [
  ["completed", 0, "circle"],
  ["running", 2, "diamond"],
  ["pruned", 4, "triangle-down"],
  ["ended early", 6, "cross"],
] as const;

/** The line. */
const BEST = "best so far";

export function objectiveRows({ runs, name }: SweepDetail): PlotRow[] {
  return runs.flatMap((run): PlotRow[] => {
    const y = objectiveOf(run);
    if (!Number.isFinite(y)) return [];
    const early = run.state === "failed" || run.state === "cancelled" || run.state === "interrupted";
    const pruned = run.state === "cancelled" && run.pruned !== undefined;
    const color = pruned ? "pruned" : run.state === "completed" ? "completed" : early ? "ended early" : "running";
    return [{ id: run.run, name: `${name} ${String(run.index + 1)}`, x: run.index + 1, y, color }];
  });
}

export function objectiveSpec(sweep: SweepDetail, theme: ThemeKind, { width, height }: PlotSize): VegaLiteSpec {
  const rows = objectiveRows(sweep);
  const present = GROUPS.filter(([name]) => rows.some(({ color }) => color === name));
  const steps = bestSoFar(sweep).map(({ index, value }) => ({ at: index + 1, best: value }));
  const last = steps.at(-1);
  const end = Math.max(...rows.map(({ x }) => Number(x)));
  // The best so far holds up to the newest run.
  const line = last === undefined || last.at === end ? steps : [...steps, { at: end, best: last.best }];
  const metric = sweep.objective?.metric ?? "";
  const legend: readonly (readonly [name: string, color: string, shape: string])[] = [
    ...present.map(([name, slot, shape]) => [name, lineStyle(slot, theme).color, shape] as const),
    [BEST, lineStyle(1, theme).color, "stroke"],
  ];
  const color = { type: "nominal", scale: { domain: legend.map(([name]) => name), range: legend.map((each) => each[1]) } };
  const shape = { type: "nominal", scale: { domain: legend.map(([name]) => name), range: legend.map((each) => each[2]) } };
  const x = {
    field: "x",
    type: "quantitative",
    title: "run",
    scale: { domainMin: 0.5, domainMax: end + 0.5, nice: false },
    axis: { tickMinStep: 1 },
  };
  const y = { field: "y", type: "quantitative", title: metric, scale: { zero: false }, axis: { format: ".4~g" } };
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "transparent",
    width: Math.max(80, Math.round(width - 90)),
    height: Math.max(80, Math.round(height - 84)),
    config: { legend: { orient: "top", title: null } },
    layer: [
      {
        data: { values: line },
        mark: { type: "line", interpolate: "step-after", strokeWidth: 2 },
        encoding: { x: { ...x, field: "at" }, y: { ...y, field: "best" }, color: { ...color, datum: BEST } },
      },
      {
        data: { values: placed(rows) },
        mark: { type: "point", filled: true, size: 60, opacity: 1, cursor: "pointer" },
        encoding: { x, y, color: { ...color, field: "color" }, shape: { ...shape, field: "color" } },
      },
    ],
  };
}
