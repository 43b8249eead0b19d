/** Which params mattered, by rank correlation, and by Optuna where it can be asked. How it is computed stands in docs/recipes.md. */
import { TrainyardError } from "../../protocol/errors.ts";
import type { JsonValue } from "../../protocol/json.ts";
import type { SearchTrial } from "../../protocol/sweep-search.ts";
import type { ParamCorrelation, SweepDetail, SweepImportance } from "../../protocol/sweep.ts";
import { askOptuna, type SearchPlace } from "./search.ts";
import { searchTrial } from "./sweep-trials.ts";

/** Fewer say nothing of any param. */
const LEAST_RUNS = 3;
/** Optuna's evaluators grow trees over the runs. */
const LEAST_RUNS_FOR_SHARES = 5;

/** @param place where Optuna is asked @throws TrainyardError conflict */
export async function sweepImportance({ name, objective, runs, sweep }: SweepDetail, place: () => SearchPlace): Promise<SweepImportance> {
  if (objective === null)
    throw new TrainyardError(
      "conflict",
      `the sweep ${name} has no objective`,
      "Name one in the document: without it no param matters more.",
    );
  const trials = runs.map((run) => searchTrial(run)).filter(({ state }) => state === "complete");
  const found = { runs: trials.length, correlations: trials.length < LEAST_RUNS ? [] : correlations(trials), shares: null };
  if (trials.length < LEAST_RUNS_FOR_SHARES) return { ...found, note: `Shares need ${String(LEAST_RUNS_FOR_SHARES)} runs that completed.` };
  try {
    const { importance = null } = await askOptuna(place(), sweep, { ask: "importance", trials });
    return { ...found, shares: importance, note: null };
  } catch (error) {
    // The correlations need nobody else: the user's Python may be gone, or never had Optuna.
    if (!(error instanceof TrainyardError)) throw error;
    return { ...found, note: `No shares: ${error.message}.` };
  }
}

/** The strongest first. Params that have one value alone are left out: nothing can be said of them. @param trials those with a value count */
export function correlations(trials: readonly SearchTrial[]): ParamCorrelation[] {
  const known = trials.flatMap(({ params, value }) => (value === null ? [] : [{ params, value }]));
  const outcome = ranks(known.map(({ value }) => value));
  const names = [...new Set(known.flatMap(({ params }) => Object.keys(params)))];
  return names
    .flatMap((param) => {
      const values = known.map(({ params }) => params[param] ?? null);
      return new Set(values.map((value) => JSON.stringify(value))).size < 2 ? [] : [{ param, ...related(values, outcome) }];
    })
    .sort((a, b) => b.strength - a.strength);
}

/** Numbers by Spearman's coefficient; anything else by the share of the ranks' variance that lies between its values. */
function related(values: readonly JsonValue[], outcome: readonly number[]): Pick<ParamCorrelation, "strength" | "sign"> {
  if (!values.every((value) => typeof value === "number")) return { strength: between(values, outcome), sign: null };
  const coefficient = pearson(ranks(values), outcome);
  return { strength: Math.abs(coefficient), sign: coefficient > 0 ? "rising" : coefficient < 0 ? "falling" : null };
}

/** Places in the order of the values, from 1; equals share the mean of theirs. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((value, index) => ({ value, index })).sort((a, b) => a.value - b.value);
  const ranked = new Array<number>(values.length).fill(0);
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && order[to]?.value === order[from]?.value) to++;
    for (const { index } of order.slice(from, to)) ranked[index] = (from + 1 + to) / 2;
    from = to;
  }
  return ranked;
}

function pearson(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [product, squaresA, squaresB] = [0, 0, 0];
  a.forEach((value, index) => {
    const [da, db] = [value - meanA, (b[index] ?? 0) - meanB];
    product += da * db;
    squaresA += da * da;
    squaresB += db * db;
  });
  return squaresA === 0 || squaresB === 0 ? 0 : clamp(product / Math.sqrt(squaresA * squaresB), -1);
}

/** The root of epsilon squared: eta squared without what chance alone would put between so many values. */
function between(values: readonly JsonValue[], outcome: readonly number[]): number {
  const groups = new Map<string, number[]>();
  values.forEach((value, index) => {
    const key = JSON.stringify(value);
    groups.set(key, [...(groups.get(key) ?? []), outcome[index] ?? 0]);
  });
  const whole = mean(outcome);
  const total = outcome.reduce((sum, value) => sum + (value - whole) ** 2, 0);
  const free = outcome.length - groups.size;
  if (total === 0 || free <= 0) return 0;
  const inside = [...groups.values()].reduce((sum, group) => sum + group.reduce((own, value) => own + (value - mean(group)) ** 2, 0), 0);
  return Math.sqrt(clamp((total - inside - ((groups.size - 1) * inside) / free) / total, 0));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Rounding may carry a coefficient beyond its bounds. */
function clamp(value: number, low: number): number {
  return Math.min(1, Math.max(low, value));
}
