/** A chart for somewhere else: as a picture, as a drawing, and as a Vega-Lite specification with its points. */
import type { TopLevelSpec } from "vega-lite";
import { saveFile } from "../components/save-file.ts";
import { hasDots, type Plot } from "./canvas-marks.ts";
import { type ChartSettings, counterOf, type XAxis } from "./chart-sync.ts";
import { distinctNames } from "./describe.ts";
import { type LinePath, traceBand, tracePath } from "./draw-line.ts";
import type { ExportKind } from "./export-menu.ts";
import { windowRange } from "./scale.ts";
import type { VegaFrame } from "./vega-frame.ts";

/** One line as it is drawn. Columns in the units of the plot's x scale. */
export interface Stroke {
  readonly name: string;
  readonly xs: Float64Array;
  readonly steps: Float64Array;
  readonly ys: Float64Array;
  readonly color: string;
  readonly dash: readonly number[];
  readonly width: number;
  readonly alpha: number;
  /** Spread around the line. */
  readonly band: Band | null;
  /** Are its points dots while they are few? */
  readonly dots: boolean;
  /** Colour of the marks where its values are not finite; null for none. */
  readonly marks: string | null;
}

interface Band {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** Of a band beneath its line. */
export const BAND_ALPHA = 0.22;

/** A chart as it was drawn last. */
export interface Shown {
  readonly frame: VegaFrame;
  readonly lines: HTMLCanvasElement;
  readonly plot: Plot;
  /** The lowest first. */
  readonly strokes: readonly Stroke[];
  readonly settings: ChartSettings;
  /** From the units of the x axis to those of the strokes. */
  readonly xOffset: number;
  readonly background: string;
}

export type CsvWriter = () => Promise<string[]>;

/** Saves or copies. @param csv writes every point, in pieces; @param host the chart, which asks its page to copy text by a `copy-text` event */
export async function exportChart(kind: ExportKind, metric: string, shown: Shown, csv: CsvWriter, host: HTMLElement): Promise<void> {
  const { frame, lines, plot, strokes, background } = shown;
  const name = fileName(metric);
  switch (kind) {
    case "png": {
      const picture = frame.canvas === null ? null : await chartPng(frame.canvas, lines, background);
      if (picture !== null) saveFile(`${name}.png`, picture);
      return;
    }
    case "svg": {
      const drawing = await frame.toSvg();
      if (drawing !== null) saveFile(`${name}.svg`, new Blob([chartSvg(drawing, strokes, plot, background)], { type: "image/svg+xml" }));
      return;
    }
    case "csv":
      saveFile(`${name}.csv`, new Blob(await csv(), { type: "text/csv" }));
      return;
    case "vega-lite": {
      const text = JSON.stringify(vegaLiteSpec(metric, shown), null, 1);
      host.dispatchEvent(new CustomEvent("copy-text", { detail: text, bubbles: true, composed: true }));
    }
  }
}

/** The frame's canvas with the lines above it, on the editor's ground. */
function chartPng(frame: HTMLCanvasElement, lines: HTMLCanvasElement, background: string): Promise<Blob | null> {
  const picture = document.createElement("canvas");
  picture.width = lines.width;
  picture.height = lines.height;
  const context = picture.getContext("2d");
  if (context === null) return Promise.resolve(null);
  context.fillStyle = background;
  context.fillRect(0, 0, picture.width, picture.height);
  context.drawImage(frame, 0, 0, picture.width, picture.height);
  context.drawImage(lines, 0, 0);
  return new Promise((resolve) => {
    picture.toBlob(resolve, "image/png");
  });
}

/** Tenths of a pixel are finer than any screen. */
class SvgPath implements LinePath {
  #parts: string[] = [];

  moveTo(x: number, y: number): void {
    this.#parts.push(`M${x.toFixed(1)},${y.toFixed(1)}`);
  }
  lineTo(x: number, y: number): void {
    this.#parts.push(`L${x.toFixed(1)},${y.toFixed(1)}`);
  }
  toString(): string {
    return this.#parts.join("");
  }
}

/**
 * @param frame the frame as Vega writes it, one svg element
 * @returns the same with the ground beneath and the lines above
 */
export function chartSvg(frame: string, strokes: readonly Stroke[], plot: Plot, background: string): string {
  const bands = strokes.map(({ xs, band, color, alpha }) => {
    if (band === null) return "";
    const [from, to] = shownRange(xs, plot);
    const path = new SvgPath();
    traceBand(path, { xs, ...band, from, to }, plot);
    return `<path d="${path.toString()}" fill="${escapeXml(color)}" fill-opacity="${String(BAND_ALPHA * alpha)}"/>`;
  });
  const paths = strokes.map((stroke) => {
    const { xs, ys } = stroke;
    const [from, to] = shownRange(xs, plot);
    const path = new SvgPath();
    tracePath(path, { xs, ys, from, to }, plot.x, plot.y, plot.width);
    const dash = stroke.dash.length === 0 ? "" : ` stroke-dasharray="${stroke.dash.join(" ")}"`;
    return `<path d="${path.toString()}" stroke="${escapeXml(stroke.color)}" stroke-width="${String(stroke.width)}" stroke-opacity="${String(stroke.alpha)}"${dash}><title>${escapeXml(stroke.name)}</title></path>${svgMarks(stroke, plot, from, to)}`;
  });
  const { left, top, width, height } = plot;
  const box = `x="${String(left)}" y="${String(top - 2)}" width="${String(width)}" height="${String(height + 4)}"`;
  const lines = `<clipPath id="plot"><rect ${box}/></clipPath><g clip-path="url(#plot)" fill="none" stroke-linejoin="round">${bands.join("")}${paths.join("")}</g>`;
  const opened = frame.indexOf(">", frame.indexOf("<svg")) + 1;
  const closed = frame.lastIndexOf("</svg>");
  const ground = `<rect width="100%" height="100%" fill="${escapeXml(background)}"/>`;
  return `${frame.slice(0, opened)}${ground}${frame.slice(opened, closed)}${lines}${frame.slice(closed)}`;
}

/** Dots of a sparse line, and marks where values are not finite, as the canvas shows them. */
function svgMarks({ xs, ys, color, alpha, dots, marks }: Stroke, plot: Plot, from: number, to: number): string {
  const parts: string[] = [];
  for (let i = from; i < to; i++) {
    const x = plot.x.at(xs[i] ?? 0);
    const y = plot.y.at(ys[i] ?? Number.NaN);
    if (marks !== null && !Number.isFinite(ys[i])) {
      const [left, middle, right] = [x - 4, x, x + 4].map((each) => each.toFixed(1)) as [string, string, string];
      const [top, tip] = [String(plot.top), String(plot.top + 7)];
      parts.push(`<path d="M${left},${top}L${right},${top}L${middle},${tip}Z" fill="${escapeXml(marks)}"/>`);
    } else if (dots && hasDots(to - from, plot) && Number.isFinite(y))
      parts.push(`<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="2" fill="${escapeXml(color)}" fill-opacity="${String(alpha)}"/>`);
  }
  return parts.join("");
}

/** The points of the plot, with a neighbour on each side. */
function shownRange(xs: Float64Array, plot: Plot): readonly [number, number] {
  return windowRange(xs, [plot.x.invert(plot.left), plot.x.invert(plot.left + plot.width)]);
}

function xTitle(axis: XAxis): string {
  return counterOf(axis) ?? (axis === "step" ? "step" : axis === "wall" ? "time" : "seconds since the first point");
}

/** The lines as they are shown (their window, smoothing and axis) with their points in it: pasted into any Vega editor it draws the same. */
export function vegaLiteSpec(
  metric: string,
  { strokes, plot, settings, xOffset }: Omit<Shown, "frame" | "lines" | "background">,
): TopLevelSpec {
  const { xAxis, logY } = settings;
  const unit = xAxis === "relative" ? 1000 : 1;
  // Titles become part of Vega-Lite's expressions, which break at the end of a line.
  const name = metric.replace(/\s+/g, " ");
  const place = (x: number | undefined): number => ((x ?? 0) - xOffset) / unit;
  // JSON knows no NaN, and a log axis nothing below zero; null leaves the same gap.
  const drawable = (value = Number.NaN): number | null => (Number.isFinite(value) && (!logY || value > 0) ? value : null);
  const { left, top, width, height } = plot;
  const [lowest, highest] = [plot.y.invert(top + height), plot.y.invert(top)];
  const names = distinctNames(strokes);
  const values = strokes.flatMap(({ xs, ys, steps, band }, line) => {
    const [from, to] = shownRange(xs, plot);
    return Array.from({ length: to - from }, (_, k) => {
      const i = from + k;
      const point = { line: names[line], step: steps[i] ?? 0, x: place(xs[i]), value: drawable(ys[i]) };
      if (band === null) return point;
      const high = drawable(band.high[i]);
      // As on the canvas: what a log axis cannot show of a band reaches down to its end.
      return { ...point, low: drawable(band.low[i]) ?? (high === null ? null : lowest), high };
    });
  });
  const byLine = (range: readonly unknown[]): object => ({ field: "line", title: null, scale: { type: "ordinal", domain: names, range } });
  // Vega-Lite takes sizes for what has an order. Of itself it would place them evenly between the first two of the range.
  const sized = (range: readonly number[]): object => ({ ...byLine(range), type: "ordinal", legend: null });
  const sparse = strokes.every(({ dots, xs }) => dots && hasDots(shownRange(xs, plot)[1] - shownRange(xs, plot)[0], plot));
  const spec = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: name,
    width: Math.round(width),
    height: Math.round(height),
    data: { values },
    encoding: {
      x: {
        field: "x",
        type: xAxis === "wall" ? "temporal" : "quantitative",
        title: xTitle(xAxis),
        scale: { domain: [place(plot.x.invert(left)), place(plot.x.invert(left + width))], nice: false },
      },
      color: { ...byLine(strokes.map((stroke) => stroke.color)), type: "nominal" },
    },
    layer: [
      ...(strokes.some((stroke) => stroke.band !== null)
        ? [
            {
              mark: { type: "area", clip: true, opacity: BAND_ALPHA },
              encoding: { y: { field: "low", type: "quantitative" }, y2: { field: "high" } },
            },
          ]
        : []),
      {
        mark: { type: "line", clip: true, tooltip: true, ...(sparse && { point: { size: 16 } }) },
        encoding: {
          y: {
            field: "value",
            type: "quantitative",
            title: name,
            scale: { type: logY ? "log" : "linear", domain: [lowest, highest], nice: false },
          },
          opacity: sized(strokes.map((stroke) => stroke.alpha)),
          strokeWidth: sized(strokes.map((stroke) => stroke.width)),
          strokeDash: { ...byLine(strokes.map(({ dash }) => (dash.length === 0 ? [1, 0] : dash))), type: "nominal", legend: null },
        },
      },
    ],
  };
  // Vega-Lite's own type of a layered specification is too deep to write by hand; the tests compile and draw it.
  return spec as unknown as TopLevelSpec;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? c);
}

function fileName(metric: string): string {
  return metric.replace(/[^\p{L}\p{N}_.-]+/gu, "_");
}
