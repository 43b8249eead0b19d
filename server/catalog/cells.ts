/** What the columns keep of a run: `record.*`, `params.*` and `metrics.*`. */
import { METRIC_PARTS } from "../../protocol/expression/ast.ts";
import type { Value } from "../../protocol/expression/evaluate.ts";
import { fieldName } from "../../protocol/expression/tokens.ts";
import type { JsonValue } from "../../protocol/json.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";
import type { RunSummary } from "../../protocol/run.ts";

type Scalar = number | string | boolean;

/** Fields of the record, each with how it is read; null where a run has none. */
const RECORD: Readonly<Record<string, (run: RunSummary) => Scalar | readonly Scalar[] | null | undefined>> = {
  id: (run) => run.id,
  name: (run) => run.name,
  project: (run) => run.project,
  store: (run) => run.store?.name,
  experiment: (run) => run.experiment,
  recipe: (run) => run.recipe,
  state: (run) => run.state,
  state_reason: (run) => run.state_reason,
  description: (run) => run.description,
  notes: (run) => run.notes,
  tags: (run) => run.tags,
  starred: (run) => run.starred,
  archived: (run) => run.archived,
  seed: (run) => run.seed,
  attempt: (run) => run.attempt,
  parent: (run) => run.parent?.run,
  origin: (run) => run.origin,
  failure: (run) => run.failure?.class,
  damage: (run) => run.damage,
  // In one way of writing, so that texts compare as times do.
  created_at: (run) => new Date(run.created_at).toISOString(),
  started_at: (run) => (run.started_at === null ? null : new Date(run.started_at).toISOString()),
  ended_at: (run) => (run.ended_at === null ? null : new Date(run.ended_at).toISOString()),
  duration_seconds: durationSeconds,
  progress: (run) => run.progress?.fraction,
  step: (run) => run.progress?.step,
  eta_seconds: (run) => run.progress?.eta_seconds,
  steps_per_second: (run) => run.progress?.steps_per_second,
  checkpoint_count: (run) => run.checkpoint_count,
  commit: (run) => run.git?.commit,
  branch: (run) => run.git?.branch,
  dirty_files: (run) => run.git?.dirty_files,
};

export const RECORD_FIELD_NAMES: readonly string[] = Object.keys(RECORD).map((name) => `record.${name}`);

/** Every field of the run that has a value, once. */
export function cellsOf(run: RunSummary): Map<string, Exclude<Value, undefined>> {
  const cells = new Map<string, Exclude<Value, undefined>>();
  for (const [name, read] of Object.entries(RECORD)) {
    const value = read(run);
    if (value !== null && value !== undefined) cells.set(`record.${name}`, value);
  }
  for (const [key, value] of Object.entries(run.params)) addParam(cells, `params.${key}`, value);
  for (const [name, summary] of Object.entries(run.metrics)) {
    for (const part of METRIC_PARTS) cells.set(fieldName("metrics", name, part), withoutSign(fromWireNumber(summary[part])));
  }
  return cells;
}

function addParam(cells: Map<string, Exclude<Value, undefined>>, field: string, value: JsonValue): void {
  if (value === null) return;
  if (typeof value !== "object") cells.set(field, typeof value === "number" ? withoutSign(value) : value);
  else if (Array.isArray(value)) cells.set(field, value.every(isScalar) ? value : JSON.stringify(value));
  else for (const [key, inner] of Object.entries(value)) addParam(cells, `${field}.${key}`, inner);
}

/** Negative zero is zero: JSON, in which summaries are kept, has no other. Left as it is, 1 / it would change with the next start. */
function withoutSign(value: number): number {
  return value + 0;
}

function isScalar(value: JsonValue): value is Scalar {
  return typeof value === "number" || typeof value === "string" || typeof value === "boolean";
}

/** Of the whole run, waiting between attempts included; of a live one, of its newest attempt so far. */
function durationSeconds(run: RunSummary): number | null {
  if (run.started_at === null) return null;
  if (run.ended_at !== null) return (Date.parse(run.ended_at) - Date.parse(run.started_at)) / 1000;
  return run.progress?.elapsed_seconds ?? null;
}
