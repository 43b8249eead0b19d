/** The configurations that an experiment had over time, from the folders of its runs. */
import { flatten, isSeed, SHELL_VARIABLES } from "../../protocol/configuration.ts";
import type { Configuration, Manifest } from "../../protocol/experiments.ts";
import type { RunId, SweepId } from "../../protocol/ids.ts";
import type { JsonObject, JsonValue } from "../../protocol/json.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { RunSpec } from "../../protocol/spec.ts";
import type { SweepRecord } from "../../protocol/sweep.ts";
import { runsProgram } from "../store/resumable.ts";
import { mapLimited } from "../store/run-index.ts";
import type { RunStore } from "../store/types.ts";

/** What frameworks report among the params and what says nothing of what is trained: results, names, places. */
const NO_SETTINGS: ReadonlySet<string> = new Set(["summary", "output_dir", "logging_dir", "run_name"]);

/** A configuration as it was started: by one run, or by all runs of a sweep. */
export interface Started {
  readonly configuration: Configuration;
  readonly spec: RunSpec | null;
  /** In the order in which they started. */
  readonly runs: readonly { readonly id: RunId; readonly time: string }[];
}

/** @param runs those of one experiment that have started. @param storeOf the store that a run lies in */
export async function manifestsOf(runs: readonly RunSummary[], storeOf: (id: RunId) => RunStore): Promise<Manifest[]> {
  const alone: RunSummary[] = [];
  const swept = new Map<SweepId, RunSummary[]>();
  for (const run of [...runs].sort(byStart)) {
    const of = run.sweep === undefined ? alone : swept.get(run.sweep.id);
    if (of !== undefined) of.push(run);
    else if (run.sweep !== undefined) swept.set(run.sweep.id, [run]);
  }
  const sweeps = await sweepRecords([...swept.values()].flatMap(([first]) => (first === undefined ? [] : [storeOf(first.id)])));
  const units = [
    ...alone.map((run) => ({ runs: [run], sweep: null })),
    ...[...swept].map(([id, of]) => ({ runs: of, sweep: sweeps.get(id) ?? null })),
  ];
  const started = await mapLimited(units, ({ runs: of, sweep }) => startedOf(of, sweep, storeOf));
  return joinManifests(started.filter((one) => one !== null));
}

/** Neighbours in time with the same configuration become one manifest. */
export function joinManifests(started: readonly Started[]): Manifest[] {
  const manifests: Manifest[] = [];
  const timeOf = ({ runs }: Started): string => runs[0]?.time ?? "";
  for (const { configuration, spec, runs } of [...started].sort((a, b) => Date.parse(timeOf(a)) - Date.parse(timeOf(b)))) {
    const before = manifests.at(-1);
    const changed = before === undefined ? [] : differingFields(before.configuration, configuration);
    const [first] = runs;
    const last = runs.at(-1);
    if (first === undefined || last === undefined) continue;
    if (before !== undefined && changed.length === 0) {
      before.runs.push(...runs.map(({ id }) => id));
      if (Date.parse(last.time) > Date.parse(before.last_time)) before.last_time = last.time;
    } else manifests.push({ time: first.time, last_time: last.time, configuration, changed, spec, runs: runs.map(({ id }) => id) });
  }
  return manifests;
}

/** The one in force at a time: the newest that began by then. @param time RFC 3339, or `latest` */
export function manifestAt(manifests: readonly Manifest[], time: string): Manifest | null {
  if (time === "latest") return manifests.at(-1) ?? null;
  return manifests.findLast((manifest) => Date.parse(manifest.time) <= Date.parse(time)) ?? null;
}

/** Paths of the settings that are not the same in both. */
function differingFields(a: Configuration, b: Configuration): string[] {
  const [before, after] = [flatten(asJson(a)), flatten(asJson(b))];
  const text = (value: JsonValue | undefined): string => JSON.stringify(value ?? null);
  const paths = [...new Set([...before.keys(), ...after.keys()])].filter((path) => text(before.get(path)) !== text(after.get(path)));
  // What came into something that was empty says enough by itself.
  return paths.filter((path) => !paths.some((inner) => inner.startsWith(`${path}.`))).sort();
}

/** Without what is undefined, which JSON does not know. */
function asJson({ sweep, ...rest }: Configuration): JsonObject {
  return { ...rest, sweep: JSON.parse(JSON.stringify(sweep)) as JsonValue };
}

async function startedOf(
  runs: readonly RunSummary[],
  sweep: SweepRecord | null,
  storeOf: (id: RunId) => RunStore,
): Promise<Started | null> {
  const [first] = runs;
  if (first === undefined) return null;
  const store = storeOf(first.id);
  const [document, resolved] = await Promise.all([readable(store.spec(first.id)), readable(store.resolved(first.id))]);
  const spec = document?.spec ?? null;
  // Recipes have fields of their own; what a script is trained with, it says itself.
  const params = runsProgram(first.recipe) ? reported(first) : (resolved?.params ?? first.params);
  const varied = new Set(Object.keys(sweep?.spec.sweep?.params ?? {}));
  const kept = Object.fromEntries(Object.entries(withoutSeeds(params)).filter(([key]) => !varied.has(key)));
  const env = Object.entries(spec?.env ?? {}).filter(([name]) => !SHELL_VARIABLES.some((one) => one === name));
  return {
    configuration: {
      recipe: first.recipe,
      params: kept,
      args: spec?.args ?? [],
      env: Object.fromEntries(env),
      sweep: sweep?.spec.sweep ?? null,
    },
    spec: sweep?.spec ?? spec,
    runs: runs.map((run) => ({ id: run.id, time: startOf(run) })),
  };
}

/** A file that is damaged hides no run: its manifest is then made of what else is known. */
async function readable<T>(reading: Promise<T>): Promise<T | null> {
  return reading.catch(() => null);
}

async function sweepRecords(stores: readonly RunStore[]): Promise<Map<SweepId, SweepRecord>> {
  const all = await Promise.all([...new Set(stores)].map((store) => store.sweeps.all()));
  return new Map(all.flatMap(({ sweeps }) => sweeps).map((sweep) => [sweep.id, sweep]));
}

function reported({ id, params }: RunSummary): JsonObject {
  const settings = Object.entries(params).filter(([key]) => !NO_SETTINGS.has(key));
  return Object.fromEntries(settings.map(([key, value]) => [key, withoutRun(value, id)]));
}

/** Paths into the folder of the run are of each run its own. */
function withoutRun(value: JsonValue, id: RunId): JsonValue {
  if (typeof value === "string") return value.replaceAll(id, "RUN");
  if (Array.isArray(value)) return value.map((one) => withoutRun(one, id));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutRun(inner, id)]));
}

function withoutSeeds(params: JsonObject, prefix = ""): JsonObject {
  return Object.fromEntries(
    Object.entries(params).flatMap(([key, value]): [string, JsonValue][] => {
      const path = `${prefix}${key}`;
      if (isSeed(path)) return [];
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
      return [[key, isObject ? withoutSeeds(value, `${path}.`) : value]];
    }),
  );
}

function startOf({ started_at, created_at }: RunSummary): string {
  return started_at ?? created_at;
}

function byStart(a: RunSummary, b: RunSummary): number {
  return Date.parse(startOf(a)) - Date.parse(startOf(b)) || (a.id < b.id ? -1 : 1);
}
