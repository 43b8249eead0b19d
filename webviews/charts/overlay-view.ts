/** Draws many lines into one chart: the frame by Vega, lines with bands on a canvas, the crosshair with a dot per line on another. */
import type { Theme } from "../components/theme.ts";
import { type Brush, drawDot, drawNonFinite, drawPoints, drawUpright, type Plot } from "./canvas-marks.ts";
import type { XWindow } from "./chart-sync.ts";
import { BAND_ALPHA, type Shown, type Stroke } from "./chart-export.ts";
import { traceBand, tracePath } from "./draw-line.ts";
import type { LineStyle } from "./palette.ts";
import type { PlotArea } from "./plot-area.ts";
import { type PlotInput, xLabel, yTickCount } from "./plot-area.ts";
import { type Domain, extent, growDomain, logDomain, nearestIndex, niceDomain, windowRange } from "./scale.ts";

/** One line; columns in the units of the axis. */
export interface OverlayLine {
  readonly id: string;
  readonly name: string;
  readonly style: LineStyle;
  readonly width: number;
  readonly xs: Float64Array;
  readonly steps: Float64Array;
  readonly ys: Float64Array;
  readonly raw: Float64Array | null;
  readonly band: { readonly low: Float64Array; readonly high: Float64Array } | null;
  readonly counts: Uint16Array | null;
}

export interface OverlayInput extends PlotInput {
  readonly lines: readonly OverlayLine[];
  /** The line that stands out; the others step back. */
  readonly highlight: string | null;
  /** Where two curves part, in units of the axis. */
  readonly parting: number | null;
  readonly ignoreOutliers: boolean;
}

export interface LineReading {
  readonly line: OverlayLine;
  readonly index: number;
  readonly value: number;
  readonly px: number;
  readonly py: number | null;
  /** The crosshair is beyond the line's last point: it ended there. */
  readonly ended: boolean;
}

const BACKGROUND_ALPHA = 0.2;
/** More lines than this have no raw lines beneath them: nobody could tell them apart. */
const RAW_UP_TO = 12;
/** More lines than this are hairlines: they stand apart better, and a processor draws them many times faster than wide ones. */
const WIDE_UP_TO = 30;

export class OverlayView {
  readonly #area: PlotArea;
  #input: OverlayInput | null = null;

  constructor(area: PlotArea) {
    this.#area = area;
  }

  draw(input: OverlayInput): void {
    this.#input = input;
    const ground = this.#area.layOut(input, this.#yDomain(input));
    if (ground !== null) drawLines(ground.context, input, ground.plot);
  }

  xAt(pixel: number): number | null {
    return this.#area.plot?.x.invert(pixel) ?? null;
  }

  /** Every line's value nearest to x, in the order of the lines; lines without points are left out. */
  read(x: number): LineReading[] {
    const { plot } = this.#area;
    if (plot === null) return [];
    return (this.#input?.lines ?? []).flatMap((line): LineReading[] => {
      const index = nearestIndex(line.xs, x);
      if (index < 0) return [];
      const value = line.ys[index] ?? Number.NaN;
      const py = plot.y.at(value);
      // Half a pixel of grace: the crosshair of a neighbour chart may stand between two points.
      const ended = plot.x.at(x) > plot.x.at(line.xs.at(-1) ?? x) + Math.max(0.5, gapPx(line, plot));
      return [{ line, index, value, px: plot.x.at(line.xs[index] ?? 0), py: Number.isFinite(py) ? py : null, ended }];
    });
  }

  /** The crosshair at x with a dot on each line, and the stretch being dragged for a zoom. */
  drawOverlay(x: number | null, readings: readonly LineReading[], brush: Brush | null): void {
    const input = this.#input;
    const { plot } = this.#area;
    if (input === null || plot === null) return;
    const context = this.#area.beginOverlay(input, brush);
    if (context === null || x === null) return;
    if (!this.#area.drawCrosshair(context, input, plot.x.at(x), xLabel(input.settings.xAxis, x))) return;
    for (const { line, px: at, py, ended } of readings)
      if (py !== null && !ended) drawDot(context, at, py, 3, line.style.color, input.theme.background);
  }

  /** What the chart shows, for an export; null before the first drawing. */
  get shown(): Shown | null {
    const input = this.#input;
    if (input === null) return null;
    const { lines, settings } = input;
    const few = lines.length <= RAW_UP_TO;
    const raw = lines.flatMap(({ name, xs, steps, raw: ys, style: { color } }): Stroke[] => {
      if (ys === null || settings.smoothing === 0 || !settings.raw || !few) return [];
      return [{ name: `${name} (raw)`, xs, steps, ys, color, dash: [], width: 1, alpha: 0.22, band: null, dots: false, marks: null }];
    });
    const strokes = lines.map(({ name, xs, steps, ys, style: { color, dash }, width, band, counts }): Stroke => {
      const shown = { band, dots: few && counts === null, marks: few ? color : null };
      return { name, xs, steps, ys, color, dash, width: lines.length > WIDE_UP_TO ? hairline() : width, alpha: 1, ...shown };
    });
    return this.#area.shown(input, [...raw, ...strokes]);
  }

  #yDomain(input: OverlayInput): Domain {
    if (input.yWindow !== null) return input.yWindow;
    const { settings, window, lines } = input;
    let needed: Domain | null = null;
    for (const { xs, ys, band } of lines) {
      const [from, to] = windowRange(xs, window);
      for (const of of band === null ? [ys] : [ys, band.low, band.high]) {
        const domain = extent(of, from, to, settings.logY);
        if (domain !== null) needed = growDomain(needed, input.ignoreOutliers ? withinFences(of, from, to, domain) : domain);
      }
    }
    if (needed === null) return settings.logY ? [0.1, 1] : [0, 1];
    const shown = [settings, input.ignoreOutliers, input.live ? window[0] : window, lines.map((line) => line.id)];
    const grown = this.#area.grow(needed, input.live, shown);
    // Finer ends than the ticks have: many lines need the room to stand apart.
    return settings.logY ? logDomain(grown) : niceDomain(grown, Math.max(8, 2 * yTickCount(input.height)));
  }
}

/** Fewer values than this have no outliers. */
const FENCES_FROM = 8;
/** Evenly taken values that quartiles are read from: enough for the range of an axis, and a hundred long lines are sorted in no time. */
const FENCES_SAMPLE = 256;

/** The domain within Tukey's fences: one and a half times the spread of the middle half, beyond it. Never the empty range. */
export function withinFences(values: Float64Array, from: number, to: number, domain: Domain): Domain {
  const stride = Math.max(1, Math.floor((to - from) / FENCES_SAMPLE));
  const sorted = values
    .slice(from, to)
    .filter((value, i) => i % stride === 0 && Number.isFinite(value))
    .sort();
  if (sorted.length < FENCES_FROM) return domain;
  const quartile = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  const [low, high] = [quartile(0.25), quartile(0.75)];
  const reach = 1.5 * (high - low);
  return high > low ? [Math.max(domain[0], low - reach), Math.min(domain[1], high + reach)] : domain;
}

/** The usual distance of a line's points: a crosshair within one of it after the last point still belongs to it. */
function gapPx(line: OverlayLine, plot: Plot): number {
  const last = line.xs.at(-1);
  const before = line.xs.at(-2);
  return last === undefined || before === undefined ? 0 : (plot.x.at(last) - plot.x.at(before)) / 2;
}

function drawLines(context: CanvasRenderingContext2D, input: OverlayInput, plot: Plot): void {
  const { lines, settings, window, highlight, theme } = input;
  context.save();
  context.beginPath();
  context.rect(plot.left, plot.top - 2, plot.width, plot.height + 4);
  context.clip();
  // A join of hairlines cannot be seen, and round ones are costly.
  context.lineJoin = lines.length > WIDE_UP_TO ? "bevel" : "round";
  if (input.parting !== null) drawParting(context, plot.x.at(input.parting), plot, theme);
  const faint = (line: OverlayLine): number => (highlight === null || line.id === highlight ? 1 : BACKGROUND_ALPHA);
  // The one that stands out is drawn last, above the others.
  const ordered = highlight === null ? lines : [...lines].sort((a, b) => Number(a.id === highlight) - Number(b.id === highlight));
  for (const line of ordered) if (line.band !== null) fillBand(context, line, line.band, plot, window, BAND_ALPHA * faint(line));
  if (settings.smoothing > 0 && settings.raw && lines.length <= RAW_UP_TO)
    for (const line of ordered) if (line.raw !== null) stroke(context, line, line.raw, plot, window, 0.22 * faint(line), 1, []);
  for (const line of ordered) {
    const width = lines.length > WIDE_UP_TO && line.id !== highlight ? hairline() : line.width;
    stroke(context, line, line.ys, plot, window, faint(line), line.id === highlight ? width + 0.6 : width, line.style.dash);
    const [from, to] = windowRange(line.xs, window);
    if (lines.length > RAW_UP_TO) continue;
    if (line.counts === null) drawPoints(context, line.xs, line.ys, plot, from, to, line.style.color);
    context.globalAlpha = faint(line);
    drawNonFinite(context, line.xs, line.raw ?? line.ys, plot, from, to, line.style.color);
  }
  context.restore();
}

function stroke(
  context: CanvasRenderingContext2D,
  line: OverlayLine,
  ys: Float64Array,
  plot: Plot,
  window: XWindow,
  alpha: number,
  width: number,
  dash: readonly number[],
): void {
  const [from, to] = windowRange(line.xs, window);
  context.globalAlpha = alpha;
  context.lineWidth = width;
  context.strokeStyle = line.style.color;
  context.setLineDash([...dash]);
  context.beginPath();
  tracePath(context, { xs: line.xs, ys, from, to }, plot.x, plot.y, plot.width);
  context.stroke();
  context.setLineDash([]);
}

/** One pixel of the screen, in CSS pixels. */
function hairline(): number {
  return 1 / (globalThis.devicePixelRatio || 1);
}

function fillBand(
  context: CanvasRenderingContext2D,
  line: OverlayLine,
  band: { readonly low: Float64Array; readonly high: Float64Array },
  plot: Plot,
  window: XWindow,
  alpha: number,
): void {
  const [from, to] = windowRange(line.xs, window);
  context.globalAlpha = alpha;
  context.fillStyle = line.style.color;
  context.beginPath();
  traceBand(context, { xs: line.xs, ...band, from, to }, plot);
  context.fill();
}

function drawParting(context: CanvasRenderingContext2D, x: number, plot: Plot, theme: Theme): void {
  context.globalAlpha = 0.5;
  context.strokeStyle = theme.foreground;
  drawUpright(context, x, plot);
}
