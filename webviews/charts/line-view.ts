/** Draws one chart: works out the domains, lets Vega draw the frame, and puts lines and crosshair on two canvases above it. */
import { formatInteger } from "../components/format.ts";
import type { Annotations } from "./annotations.ts";
import { drawnColumns, stepPlace, xColumn, xOffset } from "./chart-window.ts";
import type { SeriesColumns } from "./columns.ts";
import {
  type Brush,
  drawAttempts,
  drawCheckpoints,
  drawDot,
  drawFirstNotFinite,
  drawNonFinite,
  drawPoints,
  type Plot,
} from "./canvas-marks.ts";
import type { Shown, Stroke } from "./chart-export.ts";
import { tracePath } from "./draw-line.ts";
import { lineStyle } from "./palette.ts";
import type { PlotArea } from "./plot-area.ts";
import { type PlotInput, xLabel, yTickCount } from "./plot-area.ts";
import { type Domain, extent, growDomain, logDomain, nearestIndex, niceDomain, windowRange } from "./scale.ts";
import type { DiscardedTail } from "./series-store.ts";

export interface ChartData {
  readonly columns: SeriesColumns;
  /** The same series in the zoomed window with more points, where the whole curve holds fewer than there are. */
  readonly detail: SeriesColumns | null;
  readonly discarded: readonly DiscardedTail[];
  /** The metric that the x axis counts by, where it is one. */
  readonly counter: SeriesColumns | undefined;
  /** ms since the epoch that relative time counts from. */
  readonly origin: number;
  readonly slot: number;
}

export interface ChartInput extends PlotInput {
  readonly metric: string;
  readonly data: ChartData;
  readonly annotations: Annotations;
}

export interface Reading {
  readonly index: number;
  /** In units of the axis. */
  readonly x: number;
  readonly step: number;
  readonly time: number;
  readonly raw: number;
  readonly smoothed: number;
  readonly attempt: number;
  /** Position in the chart; y is null where the value cannot be drawn. */
  readonly px: number;
  readonly py: number | null;
}

export class LineView {
  readonly #area: PlotArea;
  #input: ChartInput | null = null;

  constructor(area: PlotArea) {
    this.#area = area;
  }

  draw(input: ChartInput): void {
    this.#input = input;
    const ground = this.#area.layOut(input, this.#yDomain(input), xOffset(input.settings.xAxis, input.data.origin));
    if (ground !== null) this.#drawLines(ground.context, input, ground.plot);
  }

  /** Where the points stand that are drawn, in axis units and ascending. @param whole also those beyond the detail of a zoom */
  places(whole: boolean): Float64Array {
    const input = this.#input;
    if (input === null) return new Float64Array(0);
    const { data, settings } = input;
    const offset = xOffset(settings.xAxis, data.origin);
    const xs = xColumn(whole ? drawnColumns(data.columns, settings.xAxis) : shownColumns(input), settings.xAxis);
    return offset === 0 ? xs : xs.map((x) => x - offset);
  }

  /** The values at the point nearest to x (axis units), null without points. */
  read(x: number): Reading | null {
    const input = this.#input;
    const { plot } = this.#area;
    if (input === null || plot === null) return null;
    const columns = shownColumns(input);
    const xs = xColumn(columns, input.settings.xAxis);
    const offset = xOffset(input.settings.xAxis, input.data.origin);
    const index = nearestIndex(xs, x + offset);
    if (index < 0) return null;
    const at = xs[index] ?? 0;
    const smoothed = columns.smoothed(input.settings.smoothing)[index] ?? Number.NaN;
    const py = plot.y.at(smoothed);
    return {
      index,
      x: at - offset,
      step: columns.steps[index] ?? 0,
      time: columns.times[index] ?? 0,
      raw: columns.values[index] ?? Number.NaN,
      smoothed,
      attempt: columns.attempts[index] ?? 0,
      px: plot.x.at(at),
      py: Number.isFinite(py) ? py : null,
    };
  }

  /** Axis units at a pixel of the chart. */
  xAt(pixel: number): number | null {
    const input = this.#input;
    const { plot } = this.#area;
    if (input === null || plot === null) return null;
    return plot.x.invert(pixel) - xOffset(input.settings.xAxis, input.data.origin);
  }

  /** Crosshair with its dot, and the stretch being dragged for a zoom. */
  drawOverlay(reading: Reading | null, brush: Brush | null): void {
    const input = this.#input;
    const { plot } = this.#area;
    if (input === null || plot === null) return;
    const context = this.#area.beginOverlay(input, brush);
    if (context === null || reading === null) return;
    if (!this.#area.drawCrosshair(context, input, reading.px, xLabel(input.settings.xAxis, reading.x))) return;
    const { theme } = input;
    if (reading.py !== null) drawDot(context, reading.px, reading.py, 3.5, lineStyle(input.data.slot, theme.kind).color, theme.background);
  }

  /** What the chart shows, for an export; null before the first drawing. */
  get shown(): Shown | null {
    const input = this.#input;
    return input === null ? null : this.#area.shown(input, this.#strokes(input), xOffset(input.settings.xAxis, input.data.origin));
  }

  #strokes(input: ChartInput): Stroke[] {
    const { settings, data, theme } = input;
    const columns = shownColumns(input);
    const { color, dash } = lineStyle(data.slot, theme.kind);
    const quiet = { color, band: null, dots: false, marks: null };
    const common = { ...quiet, xs: xColumn(columns, settings.xAxis), steps: columns.steps };
    const tails = settings.attempts ? data.discarded : [];
    const strokes: Stroke[] = tails.map(({ attempt, columns: all }) => {
      const tail = drawnColumns(all, settings.xAxis);
      const xs = xColumn(tail, settings.xAxis);
      return {
        ...quiet,
        name: `${input.metric} (attempt ${String(attempt)})`,
        xs,
        steps: tail.steps,
        ys: tail.values,
        dash: [2, 3],
        width: 1,
        alpha: 0.7,
      };
    });
    if (settings.smoothing > 0 && settings.raw)
      strokes.push({ ...common, name: `${input.metric} (raw)`, ys: columns.values, dash: [], width: 1, alpha: 0.32 });
    const ys = columns.smoothed(settings.smoothing);
    strokes.push({ ...common, name: input.metric, ys, dash, width: 2, alpha: 1, dots: settings.smoothing === 0, marks: theme.error });
    return strokes;
  }

  #yDomain(input: ChartInput): Domain {
    if (input.yWindow !== null) return input.yWindow;
    const { settings, window, data } = input;
    const columns = shownColumns(input);
    const offset = xOffset(settings.xAxis, data.origin);
    const [from, to] = windowRange(xColumn(columns, settings.xAxis), [window[0] + offset, window[1] + offset]);
    const smooth = extent(columns.smoothed(settings.smoothing), from, to, settings.logY);
    const raw = settings.raw ? extent(columns.values, from, to, settings.logY) : null;
    const needed = smooth === null ? raw : raw === null ? smooth : growDomain(smooth, raw);
    if (needed === null) return settings.logY ? [0.1, 1] : [0, 1];
    // While the run is live and nothing is zoomed, the window moves with each point and must not reset the range.
    const grown = this.#area.grow(needed, input.live, [settings, input.live ? window[0] : window]);
    return settings.logY ? logDomain(grown) : niceDomain(grown, Math.max(3, yTickCount(input.height)));
  }

  #drawLines(context: CanvasRenderingContext2D, input: ChartInput, plot: Plot): void {
    const { settings, data, theme, annotations } = input;
    const columns = shownColumns(input);
    const xs = xColumn(columns, settings.xAxis);
    const stepX = (step: number): number => plot.x.at(stepPlace(step, data.detail ?? data.columns, settings.xAxis, data.counter));
    context.save();
    context.beginPath();
    context.rect(plot.left, plot.top - 2, plot.width, plot.height + 4);
    context.clip();
    if (settings.attempts) drawAttempts(context, annotations, plot, stepX, theme);
    const { color, dash } = lineStyle(data.slot, theme.kind);
    context.lineJoin = "round";
    context.strokeStyle = color;
    context.fillStyle = color;
    const plotWindow: Domain = [plot.x.invert(plot.left), plot.x.invert(plot.left + plot.width)];
    const stroke = (of: SeriesColumns, ys: Float64Array, alpha: number, width: number, dashes: readonly number[]): void => {
      const x = xColumn(of, settings.xAxis);
      const [from, to] = windowRange(x, plotWindow);
      context.globalAlpha = alpha;
      context.lineWidth = width;
      context.setLineDash([...dashes]);
      context.beginPath();
      tracePath(context, { xs: x, ys, from, to }, plot.x, plot.y, plot.width);
      context.stroke();
    };
    const tails = settings.attempts ? data.discarded.map((tail) => drawnColumns(tail.columns, settings.xAxis)) : [];
    for (const tail of tails) stroke(tail, tail.values, 0.7, 1, [2, 3]);
    if (settings.smoothing > 0 && settings.raw) stroke(columns, columns.values, 0.32, 1, []);
    stroke(columns, columns.smoothed(settings.smoothing), 1, 2, dash);
    context.setLineDash([]);
    context.globalAlpha = 1;
    const [from, to] = windowRange(xs, plotWindow);
    if (settings.smoothing === 0) drawPoints(context, xs, columns.values, plot, from, to, color);
    drawNonFinite(context, xs, columns.values, plot, from, to, theme.error);
    const broken = annotations.notFinite[input.metric];
    if (broken !== undefined) {
      drawFirstNotFinite(context, stepX(broken.step), `first ${broken.value}, step ${formatInteger(broken.step)}`, plot, theme);
    }
    context.restore();
    drawCheckpoints(context, annotations, plot, stepX, theme);
  }
}

/** The points that are drawn, in the order of the axis. */
function shownColumns({ data, settings }: ChartInput): SeriesColumns {
  return drawnColumns(data.detail ?? data.columns, settings.xAxis);
}
