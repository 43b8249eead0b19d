/** What the index keeps of a run: a few columns and one cell per field. */
import type { JsonValue } from "../../protocol/json.ts";
import type { RunSummary } from "../../protocol/run.ts";

/** Fields of the record itself that can be sorted by. */
export const RECORD_FIELDS = [
  "created_at",
  "started_at",
  "ended_at",
  "name",
  "project",
  "experiment",
  "recipe",
  "state",
  "seed",
  "starred",
  "attempt",
  "checkpoint_count",
  "progress",
] as const satisfies readonly (keyof RunSummary)[];

/** A number, or a text where there is none (NaN is a text: it sorts behind all numbers). */
export type Cell = { readonly number: number; readonly text: null } | { readonly number: null; readonly text: string };

export interface Entry {
  readonly id: string;
  readonly project: string;
  readonly state: string;
  readonly archived: boolean;
  /** Everything that the text search looks at, in lower case. */
  readonly search: string;
  /** Field name → cell; a field without a value has none. */
  readonly cells: ReadonlyMap<string, Cell>;
}

/** Fields: those of RECORD_FIELDS, `params.<dotted path>` and `metrics.<name>` (its last value). */
export function toEntry(run: RunSummary): Entry {
  const cells = new Map<string, Cell>();
  for (const field of RECORD_FIELDS) {
    if (field === "progress") addCell(cells, field, run.progress?.fraction ?? null);
    else addCell(cells, field, run[field]);
  }
  for (const [key, value] of Object.entries(run.params)) addParam(cells, `params.${key}`, value);
  for (const [key, metric] of Object.entries(run.metrics)) addCell(cells, `metrics.${key}`, metric.last);
  return {
    id: run.id,
    project: run.project,
    state: run.state,
    archived: run.archived,
    // The separator keeps a search from matching across the end of one text and the start of the next.
    search: [run.id, run.name, ...run.tags, run.notes].join("\u0000").toLowerCase(),
    cells,
  };
}

function addParam(cells: Map<string, Cell>, field: string, value: JsonValue): void {
  if (typeof value !== "object" || value === null) addCell(cells, field, value);
  else if (Array.isArray(value)) addCell(cells, field, JSON.stringify(value));
  else for (const [key, inner] of Object.entries(value)) addParam(cells, `${field}.${key}`, inner);
}

function addCell(cells: Map<string, Cell>, field: string, value: string | number | boolean | null): void {
  if (value === null) return;
  if (typeof value === "string") cells.set(field, { number: null, text: value });
  else cells.set(field, { number: Number(value), text: null });
}
