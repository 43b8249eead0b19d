/** What the runs say of their sweep. Pure. */
import type { RunId } from "../../protocol/ids.ts";
import type { WireNumber } from "../../protocol/json.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { RunState } from "../../protocol/states.ts";
import { FINAL_STATES } from "../../protocol/state-kinds.ts";
import { sweepRunCount } from "../../protocol/sweep-spec.ts";
import type { SweepDetail, SweepRecord, SweepRunState, SweepSummary } from "../../protocol/sweep.ts";
import { mustHaveSweep } from "./sweep-plan.ts";

type States = ReadonlyMap<RunId, RunState>;

export function sweepSummary(sweep: SweepRecord, states: States): SweepSummary {
  const { id, project, name, created_at, stopped, spec, points } = sweep;
  const section = mustHaveSweep(spec);
  const { concurrency, objective = null } = section;
  const total = sweepRunCount(section);
  const all = runStates(sweep, states);
  const counts: Partial<Record<SweepRunState, number>> = {};
  for (const state of all) counts[state] = (counts[state] ?? 0) + 1;
  // What a search has not chosen yet waits too.
  if (points.length < total) counts.waiting = (counts.waiting ?? 0) + total - points.length;
  const isOver = points.length === total && all.every((state) => state === "deleted" || (state !== "waiting" && FINAL_STATES.has(state)));
  return {
    id,
    project,
    name,
    created_at,
    stopped,
    recipe: spec.recipe,
    state: isOver ? "finished" : stopped === null ? "running" : "stopped",
    concurrency,
    objective,
    run_count: total,
    counts,
  };
}

export function sweepDetail(sweep: SweepRecord, states: States, summaryOf: (run: RunId) => RunSummary | undefined): SweepDetail {
  const summary = sweepSummary(sweep, states);
  const all = runStates(sweep, states);
  const runs = sweep.points.map((point, index) => {
    const state = all[index] ?? "waiting";
    const objective = state === "waiting" || state === "deleted" ? null : objectiveOf(summaryOf(point.run), summary.objective);
    return { ...point, index, state, objective };
  });
  return { ...summary, sweep: mustHaveSweep(sweep.spec), runs, best: bestOf(runs, summary.objective) };
}

function runStates({ points, made }: SweepRecord, states: States): SweepRunState[] {
  return points.map(({ run }, index) => states.get(run) ?? (index < made ? "deleted" : "waiting"));
}

function objectiveOf(run: RunSummary | undefined, objective: SweepSummary["objective"]): WireNumber | null {
  if (objective === null) return null;
  const metric = Object.hasOwn(run?.metrics ?? {}, objective.metric) ? run?.metrics[objective.metric] : undefined;
  return metric?.[objective.direction] ?? null;
}

function bestOf(runs: SweepDetail["runs"], objective: SweepSummary["objective"]): RunId | null {
  if (objective === null) return null;
  const sign = objective.direction === "min" ? 1 : -1;
  const reached = runs.flatMap(({ run, state, objective: value }) => {
    const number = value === null ? NaN : fromWireNumber(value);
    return state === "completed" && !Number.isNaN(number) ? [{ run, number }] : [];
  });
  // The first of equals: the sort is stable.
  return reached.sort((a, b) => sign * (a.number - b.number))[0]?.run ?? null;
}
