/** Points as text, piece by piece: a run of ten million points is never held as one string. */
import { csvText } from "../../protocol/csv.ts";
import type { ExportedRun } from "../../protocol/export.ts";
import type { SeriesWindow } from "../series/types.ts";
import { ALL_POINTS, type ExportJob, type ExportWriter } from "./job.ts";
import { loggedRows } from "./rows.ts";

/** Lines that are handed on together. */
const LINES_AT_ONCE = 5000;

/**
 * CSV with one point per line. Numbers are written so that reading them gives the same bits; NaN and infinities as `NaN`, `Infinity`,
 * `-Infinity`. Times are ms since the epoch.
 */
export const writeLong: ExportWriter = (job) =>
  text(job, ["run,name,metric,attempt,step,time,value"], function* ({ id, name }, windows) {
    for (const { name: metric, attempts, steps, times, values } of windows) {
      const start = `${csvText(id)},${csvText(name)},${csvText(metric)}`;
      for (let i = 0; i < steps.length; i++)
        yield `${start},${attempts[i] ?? 0},${numberText(steps[i] ?? 0)},${numberText(times[i] ?? 0)},${numberText(values[i] ?? NaN)}`;
    }
  });

/** CSV with a column per metric that any of the runs has; what was logged in one call stands in one line. */
export const writeWide: ExportWriter = (job) => {
  const { metrics } = job.provenance;
  return text(job, [["run", "name", "attempt", "step", "time", ...metrics].map(csvText).join(",")], function* ({ id, name }, windows) {
    const columns = metrics.map((metric) => windows.findIndex((window) => window.name === metric));
    for (const { attempt, step, time, values } of loggedRows(windows)) {
      const cells = columns.map((column) => {
        const value = values[column];
        return value === undefined ? "" : numberText(value);
      });
      yield [csvText(id), csvText(name), attempt, numberText(step), numberText(time), ...cells].join(",");
    }
  });
};

/** The provenance, then per run a line with all that is known of it and a line per point. NaN and infinities are strings. */
export const writeJsonLines: ExportWriter = (job) =>
  text(job, [JSON.stringify({ type: "export", ...job.provenance })], function* (run, windows) {
    yield JSON.stringify({ type: "run", run });
    for (const { name, attempts, steps, times, values } of windows) {
      const point = `{"type":"point","run":${JSON.stringify(run.id)},"metric":${JSON.stringify(name)}`;
      for (let i = 0; i < steps.length; i++) {
        const value = values[i] ?? NaN;
        const shown = Number.isFinite(value) ? numberText(value) : `"${value}"`;
        yield `${point},"attempt":${attempts[i] ?? 0},"step":${numberText(steps[i] ?? 0)},"time":${numberText(times[i] ?? 0)},"value":${shown}}`;
      }
    }
  });

async function* text(
  job: ExportJob,
  head: readonly string[],
  lines: (run: ExportedRun, windows: readonly SeriesWindow[]) => Iterable<string>,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let piece = head.map((line) => `${line}\n`).join("");
  let count = 0;
  for (const run of job.runs) {
    for (const line of lines(run, await job.points(run.id, ALL_POINTS))) {
      piece += `${line}\n`;
      if (++count % LINES_AT_ONCE !== 0) continue;
      yield encoder.encode(piece);
      piece = "";
    }
  }
  yield encoder.encode(piece);
}

/** The shortest text that reads as the same number; String drops the sign of a negative zero. */
function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}
