/** The table beside a chart of many lines, for screen readers and exact values: a row per step, a column per line; and the same as CSV. */
import { html, type TemplateResult } from "lit";
import { formatInteger } from "../components/format.ts";
import type { OverlayLine } from "./overlay-view.ts";

/** More rows than this belong into the CSV. */
const MOST_ROWS = 200;

/** Every step that any line has, in order, with each line's value there or null. */
export function* overlayRows(lines: readonly OverlayLine[]): Generator<{ step: number; values: (number | null)[] }> {
  const at = lines.map(() => 0);
  for (;;) {
    let step = Infinity;
    for (const [i, line] of lines.entries()) step = Math.min(step, line.steps[at[i] ?? 0] ?? Infinity);
    if (step === Infinity) return;
    const values = lines.map((line, i) => {
      const index = at[i] ?? 0;
      if (line.steps[index] !== step) return null;
      at[i] = index + 1;
      return (line.raw ?? line.ys)[index] ?? null;
    });
    yield { step, values };
  }
}

export function overlayCsv(lines: readonly OverlayLine[]): string {
  const quote = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const out = [["step", ...lines.map((line) => quote(line.name))].join(",")];
  for (const { step, values } of overlayRows(lines))
    out.push([String(step), ...values.map((value) => (value === null ? "" : String(value)))].join(","));
  return `${out.join("\n")}\n`;
}

export function overlayTable(metric: string, lines: readonly OverlayLine[]): TemplateResult {
  const rows = [...overlayRows(lines)].slice(-MOST_ROWS).reverse();
  return html`<div class="table" tabindex="0" role="region" aria-label="Points of ${metric}">
    <table>
      <thead>
        <tr>
          <th scope="col">Step</th>
          ${lines.map((line) => html`<th scope="col">${line.name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ step, values }) =>
            html`<tr>
              <td>${formatInteger(step)}</td>
              ${values.map((value) => html`<td>${value === null ? "–" : String(value)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
