/** Points as text, piece by piece: a run of ten million points is never held as one string. */
import type { ExportFormat } from "../../protocol/export.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { SeriesWindow } from "../series/types.ts";

export const EXPORT_TYPES: Readonly<Record<ExportFormat, string>> = {
  long: "text/csv; charset=utf-8",
  wide: "text/csv; charset=utf-8",
  jsonl: "application/x-ndjson; charset=utf-8",
};

export interface ExportedRun {
  readonly summary: RunSummary;
  readonly windows: readonly SeriesWindow[];
}

/** Lines that are handed on together. */
const LINES_AT_ONCE = 5000;

/** The line of names; JSON lines have none. `metrics`: all that any of the runs has, for the columns of the wide form. */
export function header(format: ExportFormat, metrics: readonly string[]): string {
  if (format === "jsonl") return "";
  const names =
    format === "long"
      ? ["run", "name", "metric", "attempt", "step", "time", "value"]
      : ["run", "name", "attempt", "step", "time", ...metrics];
  return `${names.map(quoted).join(",")}\n`;
}

/** Numbers are written so that reading them gives the same bits; NaN and infinities as `NaN`, `Infinity`, `-Infinity`. Times are ms since the epoch. */
export function* lines(format: ExportFormat, run: ExportedRun, metrics: readonly string[]): Generator<string> {
  const { summary, windows } = run;
  let text = "";
  let count = 0;
  const all =
    format === "jsonl"
      ? jsonLines(summary, windows)
      : format === "long"
        ? longLines(summary, windows)
        : wideLines(summary, windows, metrics);
  for (const line of all) {
    text += `${line}\n`;
    if (++count % LINES_AT_ONCE !== 0) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}

function* longLines(summary: RunSummary, windows: readonly SeriesWindow[]): Generator<string> {
  const run = `${quoted(summary.id)},${quoted(summary.name)}`;
  for (const { name, attempts, steps, times, values } of windows) {
    const metric = quoted(name);
    for (let i = 0; i < steps.length; i++)
      yield `${run},${metric},${attempts[i] ?? 0},${steps[i] ?? 0},${times[i] ?? 0},${numberText(values[i] ?? NaN)}`;
  }
}

/** What was logged in one call stands in one line: the same attempt, step and time. */
function* wideLines(summary: RunSummary, windows: readonly SeriesWindow[], metrics: readonly string[]): Generator<string> {
  const run = `${quoted(summary.id)},${quoted(summary.name)}`;
  const at = windows.map(() => 0);
  const columns = windows.map((window) => metrics.indexOf(window.name));
  for (;;) {
    const keys = windows.flatMap((window, w) => {
      const i = at[w] ?? 0;
      return i < window.steps.length ? [[window.steps[i] ?? 0, window.times[i] ?? 0, window.attempts[i] ?? 0] as const] : [];
    });
    const [head, ...rest] = keys;
    if (head === undefined) return;
    const [step, time, attempt] = rest.reduce((least, key) => (before(key, least) ? key : least), head);
    const cells = metrics.map(() => "");
    windows.forEach((window, w) => {
      const i = at[w] ?? 0;
      if (i >= window.steps.length || window.steps[i] !== step || window.times[i] !== time || window.attempts[i] !== attempt) return;
      cells[columns[w] ?? 0] = numberText(window.values[i] ?? NaN);
      at[w] = i + 1;
    });
    yield `${run},${attempt},${step},${time}${cells.length === 0 ? "" : `,${cells.join(",")}`}`;
  }
}

function before(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] ?? 0) < (b[i] ?? 0);
  return false;
}

function* jsonLines(summary: RunSummary, windows: readonly SeriesWindow[]): Generator<string> {
  yield JSON.stringify({ type: "run", run: summary });
  for (const { name, attempts, steps, times, values } of windows) {
    const point = `{"type":"point","run":${JSON.stringify(summary.id)},"metric":${JSON.stringify(name)}`;
    for (let i = 0; i < steps.length; i++) {
      const value = values[i] ?? NaN;
      const shown = Number.isFinite(value) ? numberText(value) : `"${value}"`;
      yield `${point},"attempt":${attempts[i] ?? 0},"step":${steps[i] ?? 0},"time":${times[i] ?? 0},"value":${shown}}`;
    }
  }
}

/** The shortest text that reads as the same number; String drops the sign of a negative zero. */
function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
