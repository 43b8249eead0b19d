/** A chart for somewhere else: as a picture, as a drawing, and as a Vega-Lite specification with its points. */
import type { TopLevelSpec } from "vega-lite";
import { saveFile } from "../components/save-file.ts";
import type { Plot } from "./canvas-marks.ts";
import { type ChartSettings, counterOf, type XAxis } from "./chart-sync.ts";
import { type LinePath, tracePath } from "./draw-line.ts";
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
}

/** A chart as it was drawn last. */
export interface Shown {
  readonly frame: VegaFrame;
  readonly lines: HTMLCanvasElement;
  readonly plot: Plot;
  readonly strokes: readonly Stroke[];
  readonly settings: ChartSettings;
  readonly background: string;
}

/** Saves or copies. @param csv writes every point; @param host the chart, which asks its page to copy text by a `copy-text` event */
export async function exportChart(kind: ExportKind, metric: string, shown: Shown, csv: () => string, host: HTMLElement): Promise<void> {
  const { frame, lines, plot, strokes, settings, background } = shown;
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
      saveFile(`${name}.csv`, new Blob([csv()], { type: "text/csv" }));
      return;
    case "vega-lite": {
      const text = JSON.stringify(vegaLiteSpec(metric, strokes, plot, settings), null, 1);
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
  const paths = strokes.map((stroke) => {
    const { xs, ys } = stroke;
    const [from, to] = windowRange(xs, [plot.x.invert(plot.left), plot.x.invert(plot.left + plot.width)]);
    const path = new SvgPath();
    tracePath(path, { xs, ys, from, to }, plot.x, plot.y, plot.width);
    const dash = stroke.dash.length === 0 ? "" : ` stroke-dasharray="${stroke.dash.join(" ")}"`;
    return `<path d="${path.toString()}" stroke="${escapeXml(stroke.color)}" stroke-width="${String(stroke.width)}" stroke-opacity="${String(stroke.alpha)}"${dash}><title>${escapeXml(stroke.name)}</title></path>`;
  });
  const { left, top, width, height } = plot;
  const box = `x="${String(left)}" y="${String(top - 2)}" width="${String(width)}" height="${String(height + 4)}"`;
  const lines = `<clipPath id="plot"><rect ${box}/></clipPath><g clip-path="url(#plot)" fill="none" stroke-linejoin="round">${paths.join("")}</g>`;
  const opened = frame.indexOf(">", frame.indexOf("<svg")) + 1;
  const closed = frame.lastIndexOf("</svg>");
  const ground = `<rect width="100%" height="100%" fill="${escapeXml(background)}"/>`;
  return `${frame.slice(0, opened)}${ground}${frame.slice(opened, closed)}${lines}${frame.slice(closed)}`;
}

function xTitle(axis: XAxis): string {
  return counterOf(axis) ?? (axis === "step" ? "step" : axis === "wall" ? "time" : "ms since the first point");
}

/** The lines as they are shown (their window, smoothing and axis) with their points in it: pasted into any Vega editor it draws the same. */
export function vegaLiteSpec(metric: string, strokes: readonly Stroke[], plot: Plot, settings: ChartSettings): TopLevelSpec {
  const values = strokes.flatMap(({ name, xs, ys, steps }) => {
    const [from, to] = windowRange(xs, [plot.x.invert(plot.left), plot.x.invert(plot.left + plot.width)]);
    return Array.from({ length: to - from }, (_, i) => {
      const value = ys[from + i] ?? Number.NaN;
      // JSON knows no NaN; null leaves the same gap.
      return { line: name, step: steps[from + i] ?? 0, x: xs[from + i] ?? 0, value: Number.isFinite(value) ? value : null };
    });
  });
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: metric,
    width: Math.round(plot.width),
    height: Math.round(plot.height),
    data: { values },
    mark: { type: "line", clip: true, tooltip: true },
    encoding: {
      x: { field: "x", type: settings.xAxis === "wall" ? "temporal" : "quantitative", title: xTitle(settings.xAxis) },
      y: { field: "value", type: "quantitative", title: metric, scale: settings.logY ? { type: "log" } : { zero: false } },
      color: {
        field: "line",
        type: "nominal",
        title: null,
        scale: { domain: strokes.map((stroke) => stroke.name), range: strokes.map((stroke) => stroke.color) },
      },
    },
  };
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? c);
}

function fileName(metric: string): string {
  return metric.replace(/[^\w.-]+/g, "_");
}
