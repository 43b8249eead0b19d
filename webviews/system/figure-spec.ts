/** One figure of the machine over time, as a Vega-Lite specification. Pure. */
import { lineStyle, type ThemeKind } from "../charts/palette.ts";
import { CLOCK_LABELS, type PlotSize, type VegaLiteSpec } from "../plots/plot-spec.ts";
import type { Figure } from "./figures.ts";

/** All figures of a page have the same times, so their axes are alike; the unit stands in the title above. */
export function figureSpec(figure: Figure, theme: ThemeKind, size: PlotSize): VegaLiteSpec {
  const { lines, limit } = figure;
  const values = lines.flatMap(({ name, points }) => points.map(([time, value]) => ({ time, value, line: name })));
  const highest = Math.max(0, ...values.map(({ value }) => value ?? 0));
  // A limit that is far away would flatten the line; one that is near is seen coming.
  const shown = limit !== null && highest >= limit * 0.6;
  const top = figure.max ?? Math.max(highest * 1.1, shown ? limit * 1.1 : 0, 1);
  const axis = { tickCount: 5, grid: false, format: CLOCK_LABELS };
  const x = { field: "time", type: "temporal", title: null, scale: { nice: false }, axis };
  const y = { field: "value", type: "quantitative", title: null, scale: { domain: [0, top] }, axis: { tickCount: 4, format: "d" } };
  const color = {
    field: "line",
    type: "nominal",
    legend: lines.length > 1 ? { orient: "top", title: null } : null,
    scale: { domain: lines.map(({ name }) => name), range: lines.map((_, slot) => lineStyle(slot, theme).color) },
  };
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "transparent",
    ...size,
    autosize: { type: "fit", contains: "padding" },
    layer: [
      { data: { values }, mark: { type: "line", strokeWidth: 1.5 }, encoding: { x, y, color } },
      ...(shown
        ? [
            {
              data: { values: [{ limit }] },
              mark: { type: "rule", strokeDash: [6, 3], color: lineStyle(6, theme).color },
              encoding: { y: { ...y, field: "limit" } },
            },
          ]
        : []),
    ],
  };
}
