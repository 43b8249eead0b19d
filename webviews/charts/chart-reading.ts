/** What the crosshair reads: the full tooltip on the chart that is pointed at, the value alone on the others. */
import { html, nothing, type TemplateResult } from "lit";
import { cssProperties } from "../components/css-vars.ts";
import { formatClock, formatCount, formatInteger, formatValue } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import type { Annotations } from "./annotations.ts";
import type { Plot } from "./canvas-marks.ts";
import type { Reading } from "./line-view.ts";

export interface ReadingView {
  readonly metric: string;
  readonly reading: Reading;
  readonly plot: Plot;
  readonly color: string;
  readonly annotations: Annotations;
  /** The metric that the x axis counts by, null for steps and times. */
  readonly counter: string | null;
  /** Is the line a moving average? The raw value stands beside it then. */
  readonly smoothed: boolean;
}

/** Beside the crosshair on the side with more room, and in the half of the plot that the curve leaves free. */
function place({ reading, plot }: ReadingView): Readonly<Record<string, string>> {
  const right = reading.px > plot.left + plot.width / 2;
  const upper = reading.py === null || reading.py > plot.top + plot.height / 2;
  return {
    left: right ? "auto" : `${String(reading.px + 10)}px`,
    right: right ? `calc(100% - ${String(reading.px - 10)}px)` : "auto",
    top: upper ? `${String(plot.top + 4)}px` : "auto",
    bottom: upper ? "auto" : "32px",
  };
}

export function readingChip(view: ReadingView): TemplateResult {
  return html`<div class="chip" ${cssProperties(place(view))}>${formatValue(view.reading.smoothed)}</div>`;
}

export function readingTooltip(view: ReadingView): TemplateResult {
  const { metric, reading, color, annotations, counter } = view;
  const swatch = html`<span class="swatch" ${cssProperties({ "--series": color })}></span>`;
  const faint = html`<span class="swatch faint" ${cssProperties({ "--series": color })}></span>`;
  const mark = annotations.checkpoints.find((checkpoint) => checkpoint.step === reading.step);
  return html`<div class="tooltip" ${cssProperties(place(view))}>
    <div class="secondary">Step ${formatInteger(reading.step)} <span class="when">${formatClock(reading.time)}</span></div>
    ${counter === null ? nothing : html`<div class="secondary" data-testid="reading-counter">${counter} ${formatCount(reading.x)}</div>`}
    <div class="row">${swatch}<span>${metric}</span><b>${formatValue(reading.smoothed)}</b></div>
    ${view.smoothed ? html`<div class="row raw">${faint}<span>raw</span><span>${formatValue(reading.raw)}</span></div>` : nothing}
    ${
      mark === undefined && annotations.attempts.length < 2
        ? nothing
        : html`<div class="secondary">
            ${mark === undefined ? nothing : html`${icon("bookmark")} ${mark.name} · `}attempt ${reading.attempt}
          </div>`
    }
  </div>`;
}

export function readingSentence(metric: string, reading: Reading): string {
  return `step ${formatInteger(reading.step)}, ${metric} ${formatValue(reading.raw)}`;
}
