/** The table beside a chart of many lines, for screen readers and exact values: a row per step, a column per line; and the same as CSV. */
import { html, type TemplateResult } from "lit";
import { csvText } from "../../protocol/csv.ts";
import { formatInteger } from "../components/format.ts";
import { csvPlace } from "./describe.ts";
import type { OverlayLine } from "./overlay-view.ts";
import { ascendingOrder } from "./scale.ts";

/** More rows than this belong into the CSV. */
const MOST_ROWS = 200;

export interface OverlayRow {
  readonly step: number;
  /** Of each line at the step, null where it has none. */
  readonly values: readonly (number | null)[];
  /** Where each line's point stands on the x axis. */
  readonly xs: readonly (number | null)[];
}

/** Every step that any line has, in order. */
export function* overlayRows(lines: readonly OverlayLine[]): Generator<OverlayRow> {
  const at = lines.map(() => 0);
  // By time, the steps of a line need not ascend.
  const orders = lines.map((line) => ascendingOrder(line.steps));
  const indexOf = (line: number): number => orders[line]?.[at[line] ?? 0] ?? at[line] ?? 0;
  for (;;) {
    let step = Infinity;
    for (const [i, line] of lines.entries())
      if ((at[i] ?? 0) < line.steps.length) step = Math.min(step, line.steps[indexOf(i)] ?? Infinity);
    if (step === Infinity) return;
    const found = lines.map((line, i) => {
      const index = indexOf(i);
      if ((at[i] ?? 0) >= line.steps.length || line.steps[index] !== step) return null;
      at[i] = (at[i] ?? 0) + 1;
      return { value: (line.raw ?? line.ys)[index] ?? null, x: line.xs[index] ?? null };
    });
    yield { step, values: found.map((point) => point?.value ?? null), xs: found.map((point) => point?.x ?? null) };
  }
}

/** @param counter the metric of the x axis, where the lines are placed on one: each line's own place stands before its value */
export function overlayCsv(lines: readonly OverlayLine[], counter: string | null): string {
  const titles = lines.flatMap(({ name }) => (counter === null ? [name] : [`${name} ${counter}`, name]));
  const out = [["step", ...titles.map(csvText)].join(",")];
  for (const { step, values, xs } of overlayRows(lines)) {
    const cells = values.flatMap((value, i) => {
      const text = value === null ? "" : String(value);
      return counter === null ? [text] : [csvPlace(xs[i] ?? undefined), text];
    });
    out.push([String(step), ...cells].join(","));
  }
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
