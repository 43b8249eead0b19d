/** The list of runs that a query asks for: which, in what order, and how many there are. */
import type { Value } from "../../protocol/expression/evaluate.ts";
import type { RunTable } from "./table.ts";
import type { CatalogQuery } from "./types.ts";

/**
 * @param search ids of the runs whose texts hold what is searched for
 * @throws TrainyardError bad_request when no run has the field to sort by; with the place in the filter when that is not one
 */
export function listRuns(
  table: RunTable,
  query: CatalogQuery,
  search: (text: string) => ReadonlySet<string>,
): { ids: string[]; total: number } {
  const { project, filter, state, archived, sort, limit, offset } = query;
  const key = sortKey(sort);
  const field = key.replace(/^-/, "");
  if (!field.startsWith("record.")) table.mustKnow(field, "sort");
  const selection = table.select({ project, filter });
  if (state !== undefined) {
    const states: ReadonlySet<Value> = new Set(state);
    selection.narrowBy("record.state", (value) => states.has(value));
  }
  if (archived !== undefined) selection.narrowBy("record.archived", (value) => value === archived);
  if (query.search !== undefined && query.search !== "") {
    const found: ReadonlySet<Value> = search(query.search);
    selection.narrowBy("record.id", (value) => found.has(value));
  }
  const page = table.orders.page(selection, [key], offset, limit);
  return { ids: page.map((row) => table.id(row)), total: selection.count };
}

/** Lists name a field of the record without its namespace: `-created_at`. */
function sortKey(sort: string): string {
  const down = sort.startsWith("-");
  const field = down ? sort.slice(1) : sort;
  const full = /^(record|params|metrics|derived)\./.test(field) ? field : `record.${field}`;
  return down ? `-${full}` : full;
}
