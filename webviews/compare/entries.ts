/** The lines of a comparison: one per run, or one for several runs that are replicates of each other. Pure. */
import { flatten, isSeed } from "../../protocol/configuration.ts";
import type { JsonValue } from "../../protocol/json.ts";
import type { RunSummary } from "../../protocol/run.ts";

export interface Entry {
  /** The run's id, or that of the first replicate with a mark. */
  readonly id: string;
  readonly name: string;
  /** More than one: replicates. */
  readonly runs: readonly RunSummary[];
  /** Place in the palette; a run keeps it while it is open. */
  readonly slot: number;
}

/** @param slots the slot that each run was given when it was added */
export function makeEntries(runs: readonly RunSummary[], slots: ReadonlyMap<string, number>, group: boolean): Entry[] {
  const sets = group ? replicateSets(runs) : runs.map((run) => [run]);
  return sets.map((set) => {
    const slot = Math.min(...set.map((run) => slots.get(run.id) ?? 0));
    const first = set[0];
    if (first === undefined || set.length === 1) return { id: first?.id ?? "", name: first?.name ?? "", runs: set, slot };
    return { id: `${first.id}+`, name: commonName(set.map((run) => run.name)), runs: set, slot };
  });
}

/**
 * Runs that differ by their seed alone: the same project, recipe and params but for seeds, and seeds that are known and not all the
 * same. Two runs that nothing is known of are not replicates. Sets stand where their first run does.
 */
export function replicateSets(runs: readonly RunSummary[]): RunSummary[][] {
  const sets = new Map<string, RunSummary[]>();
  for (const run of runs) {
    const key = seeds(run).length === 0 ? run.id : settingsKey(run);
    const set = sets.get(key);
    if (set === undefined) sets.set(key, [run]);
    else set.push(run);
  }
  return [...sets.values()].flatMap((set) => {
    const distinct = new Set(set.map((run) => JSON.stringify(seeds(run))));
    return distinct.size > 1 ? [set] : set.map((run) => [run]);
  });
}

function seeds(run: RunSummary): (readonly [string, JsonValue])[] {
  const inParams = [...flatten(run.params)].filter(([path, value]) => isSeed(path) && value !== null);
  if (inParams.length > 0) return inParams.sort(([a], [b]) => (a < b ? -1 : 1));
  return run.seed === null ? [] : [["seed", run.seed]];
}

function settingsKey(run: RunSummary): string {
  const settings = [...flatten(run.params)].filter(([path]) => !isSeed(path)).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([run.project, run.recipe, settings]);
}

/** What the names begin with, without a trailing seed or separator; the first name where they share nothing. */
export function commonName(names: readonly string[]): string {
  const [first = "", ...others] = names;
  let length = first.length;
  for (const other of others) {
    let same = 0;
    while (same < length && first[same] === other[same]) same++;
    length = same;
  }
  const begin = first.slice(0, length);
  // Names that part within a number share nothing of it: "sweep 16" and "sweep 17" are both of "sweep".
  const whole = names.every((name) => name === begin) ? begin : begin.replace(/\d+$/, "");
  // An "s" is a seed only by itself.
  const shared = whole.replace(/(?:(?:^|[\s/_.-]+)(?:seed|s))?[\s/=_.-]*$/i, "");
  return shared === "" ? first : shared;
}
