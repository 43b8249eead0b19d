/** Curves as a picture: Vega draws it as SVG text, its expressions interpreted, so that nothing is evaluated as code. */
import { type Mark, parse, type Spec, View } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import type { SeriesWindow } from "../series/types.ts";

export interface ChartCurve {
  /** CSS colour; may name a custom property of the page. */
  readonly color: string;
  readonly dash: readonly number[];
  readonly window: SeriesWindow;
}

/** Of the picture with its axes, CSS pixels. */
export const CHART_SIZE = { width: 520, height: 260 } as const;

/** One metric over its steps. Lines end where a value is not finite. @returns an svg element; its texts are numbers only */
export async function chartSvg(curves: readonly ChartCurve[]): Promise<string> {
  const view = new View(parse(spec(curves), undefined, { ast: true }), { expr: expressionInterpreter, renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

function spec(curves: readonly ChartCurve[]): Spec {
  const grey = { labelColor: "currentColor", labelOpacity: 0.75, labelFont: "inherit", labelFontSize: 11, labelPadding: 6, ticks: false };
  const lines = { gridColor: "currentColor", gridOpacity: 0.12, domainColor: "currentColor", domainOpacity: 0.4 };
  const fields = (field: string): { data: string; field: string }[] => curves.map((_, i) => ({ data: `curve${i}`, field }));
  return {
    ...CHART_SIZE,
    padding: 4,
    autosize: { type: "fit", contains: "padding" },
    data: curves.map(({ window: { steps, values } }, i) => ({
      name: `curve${i}`,
      values: [...steps].map((x, at) => ({ x, y: Number.isFinite(values[at]) ? values[at] : null })),
    })),
    scales: [
      { name: "x", type: "linear", range: "width", domain: { fields: fields("x") }, zero: false, nice: false },
      { name: "y", type: "linear", range: "height", domain: { fields: fields("y") }, zero: false, nice: true },
    ],
    axes: [
      { scale: "x", orient: "bottom", tickCount: 6, labelFlush: true, labelOverlap: true, ...grey, ...lines },
      { scale: "y", orient: "left", tickCount: 5, grid: true, domain: false, ...grey, ...lines },
    ],
    marks: curves.map((curve, i) => mark(curve, `curve${i}`)),
  };
}

function mark({ color, dash, window }: ChartCurve, data: string): Mark {
  const place = { x: { scale: "x", field: "x" }, y: { scale: "y", field: "y" } };
  // A line needs two points.
  if (window.steps.length === 1)
    return { type: "symbol", from: { data }, encode: { enter: { ...place, fill: { value: color }, size: { value: 36 } } } };
  return {
    type: "line",
    from: { data },
    encode: {
      enter: {
        ...place,
        defined: { signal: "datum.y !== null" },
        stroke: { value: color },
        strokeWidth: { value: 1.6 },
        strokeDash: { value: [...dash] },
        strokeJoin: { value: "round" },
      },
    },
  };
}
