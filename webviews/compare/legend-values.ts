/** The numbers of the legend: last and best value of one metric per entry, and the difference to the baseline. Pure. */
import { fromWireNumber } from "../../protocol/wire-number.ts";
import type { Direction } from "./direction.ts";
import type { Entry } from "./entries.ts";

export interface LegendValues {
  /** Mean over replicates; null where no run of the entry has the metric. */
  readonly last: number | null;
  /** Sample standard deviation of replicates; null for one run. */
  readonly spread: number | null;
  /** The best of any point of any replicate; null while the direction is unknown. */
  readonly best: number | null;
  /** Last step of the entry's runs. */
  readonly step: number | null;
  /** `last` minus the baseline's; null for the baseline itself and where either is missing. */
  readonly difference: number | null;
}

export function legendValues(
  entries: readonly Entry[],
  metric: string | null,
  direction: Direction | null,
  baseline: string | null,
): Map<string, LegendValues> {
  const values = new Map(entries.map((entry) => [entry.id, valuesOf(entry, metric, direction)]));
  const base = baseline === null ? null : (values.get(baseline)?.last ?? null);
  for (const [id, of] of values)
    if (id !== baseline && base !== null && of.last !== null) values.set(id, { ...of, difference: of.last - base });
  return values;
}

function valuesOf(entry: Entry, metric: string | null, direction: Direction | null): LegendValues {
  const summaries = entry.runs.flatMap((run) => {
    const summary = metric === null ? undefined : run.metrics[metric];
    return summary === undefined ? [] : [summary];
  });
  const steps = entry.runs.flatMap((run) => run.progress?.step ?? Object.values(run.metrics).map((summary) => summary.last_step));
  const step = steps.length === 0 ? null : Math.max(...steps);
  if (summaries.length === 0) return { last: null, spread: null, best: null, step, difference: null };
  const lasts = summaries.map((summary) => fromWireNumber(summary.last));
  const last = lasts.reduce((sum, value) => sum + value, 0) / lasts.length;
  const squares = lasts.reduce((sum, value) => sum + (value - last) ** 2, 0);
  const bests = summaries.map((summary) => fromWireNumber(direction === "higher" ? summary.max : summary.min)).filter(Number.isFinite);
  const best = direction === null || bests.length === 0 ? null : direction === "higher" ? Math.max(...bests) : Math.min(...bests);
  return { last, spread: lasts.length > 1 ? Math.sqrt(squares / (lasts.length - 1)) : null, best, step, difference: null };
}
