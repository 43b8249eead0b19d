/** One run with everything in its folder. */
import { stat } from "node:fs/promises";
import type { JsonObject } from "../../protocol/json.ts";
import type { AttemptDetail, RunDetail } from "../../protocol/queries.ts";
import type { AttemptRecord } from "../../protocol/run.ts";
import type { ResolvedSpec } from "../../protocol/spec.ts";
import type { RunSeries } from "../series/types.ts";
import type { RunStore } from "../store/types.ts";
import type { RunEntry } from "./entry.ts";

export async function runDetail(entry: RunEntry, store: RunStore, series: RunSeries): Promise<RunDetail> {
  // Not read anew: the store would then take somebody else's change of run.json for known, and nobody would be told of it.
  const { id, environment } = entry.record;
  const [{ spec }, resolved, attempts] = await Promise.all([store.spec(id), store.resolved(id), store.attempts(id)]);
  return {
    ...entry.summary(),
    environment,
    run_dir: store.paths(id).dir,
    spec,
    resolved: resolved === null ? null : resolvedJson(resolved),
    attempts: await Promise.all(attempts.map((attempt) => attemptDetail(entry, store, series, attempt))),
  };
}

/** As JSON, which knows no undefined. */
function resolvedJson({ datasets, ...rest }: ResolvedSpec): JsonObject {
  return datasets === undefined ? rest : { ...rest, datasets };
}

/** For a folder whose run.json is damaged: what is left. */
export function damagedDetail(entry: RunEntry, dir: string): RunDetail {
  return { ...entry.summary(), environment: null, run_dir: dir, spec: null, resolved: null, attempts: [] };
}

async function attemptDetail(entry: RunEntry, store: RunStore, series: RunSeries, attempt: AttemptRecord): Promise<AttemptDetail> {
  const { id } = entry.record;
  const paths = store.paths(id).attempt(attempt.number);
  const [process, exit, log] = await Promise.all([
    store.process(id, attempt.number),
    store.exit(id, attempt.number),
    stat(paths.log).catch(() => null),
  ]);
  const steps = series.stepRange(attempt.number);
  return {
    ...attempt,
    process,
    exit,
    first_step: steps?.first ?? null,
    last_step: steps?.last ?? null,
    log_bytes: log?.size ?? 0,
  };
}
