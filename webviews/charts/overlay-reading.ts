/** The tooltip of a chart with many lines: values at the crosshair, best first, and the difference to the baseline. */
import { html, nothing, type TemplateResult } from "lit";
import { cssProperties } from "../components/css-vars.ts";
import { formatInteger, formatLike, formatSigned, formatValue } from "../components/format.ts";
import type { Plot } from "./canvas-marks.ts";
import type { LineReading } from "./overlay-view.ts";

/** More rows would cover the chart; the rest is counted. */
const MOST_ROWS = 14;
const ROW_PX = 19;
/** Its heading and its padding, less the labels of the x axis, which it may cover. */
const AROUND_PX = 14;

export interface OverlayReadingView {
  /** Of the crosshair, in words: "Step 1,400". */
  readonly at: string;
  readonly metric: string;
  readonly readings: readonly LineReading[];
  readonly baseline: string | null;
  /** Lines in all, to say "2 of 3" of replicates. */
  readonly replicates: (id: string) => number;
  readonly lowerFirst: boolean;
  readonly highlight: string | null;
  readonly plot: Plot;
  readonly px: number;
}

export function sortReadings(readings: readonly LineReading[], lowerFirst: boolean): LineReading[] {
  const rank = (reading: LineReading): number => (reading.ended ? 2 : Number.isFinite(reading.value) ? 0 : 1);
  return [...readings].sort((a, b) => rank(a) - rank(b) || (lowerFirst ? a.value - b.value : b.value - a.value));
}

/** How many of the rows stand in a plot of this height: beyond the chart they would be cut off. */
export function rowsShown(count: number, plotHeight: number): number {
  const room = Math.min(MOST_ROWS, Math.floor((plotHeight - AROUND_PX) / ROW_PX));
  // The line that counts the rest takes the place of one.
  return count <= room ? count : Math.max(1, room - 1);
}

export function overlayTooltip(view: OverlayReadingView): TemplateResult | typeof nothing {
  if (view.readings.length === 0) return nothing;
  const sorted = sortReadings(view.readings, view.lowerFirst);
  const base = view.readings.find((reading) => reading.line.id === view.baseline && !reading.ended);
  const right = view.px > view.plot.left + view.plot.width / 2;
  const place = {
    left: right ? "auto" : `${String(view.px + 10)}px`,
    right: right ? `calc(100% - ${String(view.px - 10)}px)` : "auto",
    top: `${String(view.plot.top + 4)}px`,
  };
  const rows = rowsShown(sorted.length, view.plot.height);
  const rest = sorted.length - rows;
  return html`<div class="tooltip" data-testid="overlay-tooltip" ${cssProperties(place)}>
    <div class="secondary">
      ${view.at}<span class="metric">${view.metric}</span>${base === undefined ? nothing : html`<span class="when">vs baseline</span>`}
    </div>
    <div class="readings">${sorted.slice(0, rows).map((reading) => row(reading, base, view))}</div>
    ${rest > 0 ? html`<div class="secondary">and ${String(rest)} more</div>` : nothing}
  </div>`;
}

function row(reading: LineReading, base: LineReading | undefined, view: OverlayReadingView): TemplateResult {
  const { line, index } = reading;
  const count = line.counts?.[index];
  const band = line.band;
  const spread = band === null ? null : ((band.high[index] ?? 0) - (band.low[index] ?? 0)) / 2;
  const bold = line.id === view.highlight ? "bold" : "";
  return html`<span class="swatch ${line.style.dash.length > 0 ? "dashed" : ""}" ${cssProperties({ "--series": line.style.color })}></span>
    <span class="name ${bold}"
      >${line.name}${count === undefined ? nothing : html` <span class="quiet">${String(count)} of ${String(view.replicates(line.id))}</span>`}</span
    >
    ${
      reading.ended
        ? html`<span class="ended secondary">ended ${formatInteger(line.steps.at(-1) ?? 0)}</span>`
        : html`<span class="number"
              ><b>${formatValue(reading.value)}</b>${spread === null ? nothing : html` ± ${formatLike(spread, reading.value)}`}</span
            >
            <span class="number secondary"
              >${base === undefined ? nothing : base.line.id === line.id ? "baseline" : formatSigned(reading.value - base.value, reading.value)}</span
            >`
    }`;
}

export function overlaySentence(metric: string, at: string, readings: readonly LineReading[], lowerFirst: boolean): string {
  const words = sortReadings(readings, lowerFirst)
    .slice(0, 5)
    .map((reading) => `${reading.line.name} ${reading.ended ? "ended" : formatValue(reading.value)}`);
  return `${metric}, ${at}: ${words.join(", ")}`;
}
