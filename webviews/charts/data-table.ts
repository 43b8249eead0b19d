/** The table beside a chart, for screen readers and exact values: the newest points first. */
import { html, nothing, type TemplateResult } from "lit";
import { formatClock, formatCount, formatInteger, UNKNOWN } from "../components/format.ts";
import type { SeriesColumns } from "./columns.ts";

/** More rows than this belong into the CSV. */
const MOST_ROWS = 500;

/** @param counter the metric of the x axis, where the points are placed on one */
export function chartTable(metric: string, columns: SeriesColumns, counter: string | null): TemplateResult {
  const rows: TemplateResult[] = [];
  for (let i = columns.length - 1; i >= Math.max(0, columns.length - MOST_ROWS); i--)
    rows.push(
      html`<tr>
        <td>${formatInteger(columns.steps[i] ?? 0)}</td>
        ${counter === null ? nothing : html`<td>${placeText(columns.xs[i])}</td>`}
        <td>${formatClock(columns.times[i] ?? 0)}</td>
        <td>${String(columns.attempts[i])}</td>
        <td>${String(columns.values[i])}</td>
      </tr>`,
    );
  return html`<div class="table" tabindex="0" role="region" aria-label="Points of ${metric}">
    <table>
      <thead>
        <tr>
          <th scope="col">Step</th>
          ${counter === null ? nothing : html`<th scope="col">${counter}</th>`}
          <th scope="col">Time</th>
          <th scope="col">Attempt</th>
          <th scope="col">${metric}</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function placeText(x = -Infinity): string {
  return x === -Infinity ? UNKNOWN : formatCount(x);
}
