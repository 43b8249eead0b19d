/** The table beside a chart of many lines, for screen readers and exact values: a row per step, a column per line; and the same as CSV. */
import { html, type TemplateResult } from "lit";
import { csvText } from "../../protocol/csv.ts";
import { formatInteger } from "../components/format.ts";
import { csvPlace, distinctNames } from "./describe.ts";
import { ascendingOrder } from "./scale.ts";

/** More rows than this belong into the CSV. */
const MOST_ROWS = 200;
/** Rows in one piece of a file. */
const PIECE_ROWS = 20_000;

/** The points of a line as they are written. */
export interface PointLine {
  readonly name: string;
  readonly steps: Float64Array;
  /** Place of each point on the x axis. */
  readonly xs: Float64Array;
  readonly values: Float64Array;
}

export interface OverlayRow {
  readonly step: number;
  /** Of each line at the step, null where it has none. */
  readonly values: readonly (number | null)[];
  /** Where each line's point stands on the x axis. */
  readonly xs: readonly (number | null)[];
}

/** Every step that any line has, in order. */
export function* overlayRows(lines: readonly PointLine[]): Generator<OverlayRow> {
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
      return { value: line.values[index] ?? null, x: line.xs[index] ?? null };
    });
    yield { step, values: found.map((point) => point?.value ?? null), xs: found.map((point) => point?.x ?? null) };
  }
}

/**
 * A row for each step, a column for each line.
 * @param counter the metric of the x axis, where the lines are placed on one: each line's own place stands before its value
 * @returns the file in pieces: together they may be longer than a text can be
 */
export function overlayCsv(lines: readonly PointLine[], counter: string | null): string[] {
  const titles = distinctNames(lines).flatMap((name) => (counter === null ? [name] : [`${name} ${counter}`, name]));
  const pieces: string[] = [];
  let rows = [["step", ...titles.map(csvText)].join(",")];
  for (const { step, values, xs } of overlayRows(lines)) {
    const cells = values.flatMap((value, i) => {
      const text = value === null ? "" : String(value);
      return counter === null ? [text] : [csvPlace(xs[i] ?? undefined), text];
    });
    rows.push([String(step), ...cells].join(","));
    if (rows.length < PIECE_ROWS) continue;
    pieces.push(`${rows.join("\n")}\n`);
    rows = [];
  }
  return rows.length === 0 ? pieces : [...pieces, `${rows.join("\n")}\n`];
}

export function overlayTable(metric: string, lines: readonly PointLine[]): TemplateResult {
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
