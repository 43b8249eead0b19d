/** The list of runs where a filter expression is given: on the columns, in the order that the index would give. */
import { pageOf, rowOrder } from "./order.ts";
import type { RunTable } from "./table.ts";
import type { CatalogQuery } from "./types.ts";

/**
 * The index knows the fields of the record, params and the last values of metrics; filters, parts of metrics (`metrics.loss:min`) and derived
 * metrics are answered by the columns.
 * @throws TrainyardError bad_request when no run has the field to sort by
 */
export function needsColumns(table: RunTable, { filter, sort }: CatalogQuery): boolean {
  const key = sortKey(sort).replace(/^-/, "");
  if (!key.startsWith("record.")) table.mustKnow(key, "sort");
  return filter !== undefined || key.startsWith("derived.") || /^metrics\..+:\w+$/.test(key);
}

/** @throws TrainyardError bad_request, with the place in the filter */
export function listFiltered(table: RunTable, query: CatalogQuery): { ids: string[]; total: number } {
  const { project, filter, state, archived, search, sort, limit, offset } = query;
  const states: ReadonlySet<unknown> | null = state === undefined ? null : new Set(state);
  const wanted = search?.toLowerCase() ?? "";
  const [stateOf, archivedOf] = [table.read("record.state"), table.read("record.archived")];
  const texts = ["id", "name", "notes", "tags"].map((name) => table.read(`record.${name}`));
  const contains = (row: number): boolean =>
    texts.some((read) => {
      const value = read(row);
      const parts = typeof value === "object" ? value : [value ?? ""];
      return parts.some((part) => String(part).toLowerCase().includes(wanted));
    });
  const rows = table
    .select({ project, filter })
    .filter((row) => (states === null || states.has(stateOf(row))) && (archived === undefined || archivedOf(row) === archived))
    .filter((row) => wanted === "" || contains(row));
  const page = pageOf(rows, rowOrder(table, [sortKey(sort)]), offset, limit);
  return { ids: page.map((row) => table.id(row)), total: rows.length };
}

/** Lists name a field of the record without its namespace: `-created_at`. */
function sortKey(sort: string): string {
  const down = sort.startsWith("-");
  const field = down ? sort.slice(1) : sort;
  const full = /^(record|params|metrics|derived)\./.test(field) ? field : `record.${field}`;
  return down ? `-${full}` : full;
}
