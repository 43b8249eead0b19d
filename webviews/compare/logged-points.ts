/** Every point that the runs of a comparison logged, for a file: the page itself holds no more of long curves than it draws. */
import type { RunId } from "../../protocol/ids.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import type { XAxis } from "../charts/chart-sync.ts";
import { xColumn } from "../charts/chart-window.ts";
import { SeriesColumns } from "../charts/columns.ts";
import type { PointLine } from "../charts/overlay-table.ts";
import type { RunPoints } from "../charts/run-points.ts";
import { withoutPlace } from "../charts/scale.ts";
import { type CurveSource, meanCurve, type Spread } from "./curves.ts";
import type { Entry } from "./entries.ts";

/** Over all runs: they are in memory at once, to stand in one table. */
export const MOST_LOGGED_POINTS = 10_000_000;

/**
 * A line for each run, as it logged; behind those of replicates, their mean, not smoothed.
 * @throws TrainyardError too_large, or what the server refused
 */
export async function loggedLines(
  entries: readonly Entry[],
  pointsOf: (run: RunId) => RunPoints | undefined,
  metric: string,
  axis: XAxis,
  spread: Spread,
): Promise<PointLine[]> {
  const count = entries.reduce((sum, { runs }) => sum + runs.reduce((all, run) => all + (run.metrics[metric]?.count ?? 0), 0), 0);
  if (count > MOST_LOGGED_POINTS)
    throw new TrainyardError(
      "too_large",
      `these lines have ${String(count)} points of ${metric}, and a file of the comparison holds ${String(MOST_LOGGED_POINTS)} at most`,
      "Hide some of the lines, or export the runs as Parquet.",
    );
  const lines: PointLine[] = [];
  for (const { runs, name } of entries) {
    const sources: CurveSource[] = [];
    for (const run of runs) {
      const points = pointsOf(run.id);
      const drawn = points?.store.get(metric);
      // As on the chart: a run without a place on the axis, whose counter begins anew for one, has no line.
      if (points === undefined || drawn === undefined || drawn.length === withoutPlace(xColumn(drawn, axis))) continue;
      const columns = drawn.downsampled ? joined(await points.all(metric, [drawn.steps[0] ?? 0, drawn.steps.at(-1) ?? 0])) : drawn;
      sources.push({ columns, origin: points.store.origin });
      lines.push({ name: run.name, steps: columns.steps, xs: xColumn(columns, axis), values: columns.values });
    }
    if (sources.length < 2) continue;
    const { steps, xs, ys } = meanCurve(sources, axis, 0, spread);
    lines.push({ name: `${name} (mean)`, steps, xs, values: ys });
  }
  return lines;
}

function joined(pieces: readonly SeriesColumns[]): SeriesColumns {
  const [first, second] = pieces;
  if (first !== undefined && second === undefined) return first;
  const all = new SeriesColumns();
  for (const { steps, times, values, attempts, xs, length } of pieces)
    for (let i = 0; i < length; i++) all.append(steps[i] ?? 0, times[i] ?? 0, values[i] ?? Number.NaN, attempts[i] ?? 0, xs[i]);
  return all;
}
