/** The runs behind a mark, as conditions of the query language. Pure. */
import type { FieldInfo } from "../../protocol/analysis.ts";
import { writeField } from "../../protocol/expression/tokens.ts";
import type { PlotSettings } from "../../protocol/saved.ts";
import type { Field } from "../explore/fields.ts";
import { quote } from "../explore/filter-text.ts";
import { MISSING, type PlotRow } from "./plot-data.ts";

export interface MarkFilter {
  readonly clauses: readonly string[];
  /** Do they say all of it? Lists and fields of several types have values that no condition names. */
  readonly whole: boolean;
}

/** Is the value in the bin? Each holds its lower edge, the last one its upper edge as well. */
export function inBin({ start = Infinity, end = -Infinity }: PlotRow, value: PlotRow["x"], lastEdge: number): boolean {
  return typeof value === "number" && value >= start && (value < end || (value === end && end === lastEdge));
}

/** @param lastEdge of the histogram's bins */
export function markFilter(settings: PlotSettings, mark: PlotRow, lastEdge: number, known: ReadonlyMap<Field, FieldInfo>): MarkFilter {
  const { kind, x, y, color, facet } = settings;
  const conditions: (string | null)[] = [];
  const same = (field: Field | null, value: PlotRow["x"]): void => {
    if (field !== null && value !== undefined) conditions.push(equality(field, value, known.get(field)));
  };
  if (kind === "histogram" && x !== null) {
    const field = writeField(x);
    const { start = 0, end = 0 } = mark;
    conditions.push(`${field} >= ${String(start)}`, `${field} ${end === lastEdge ? "<=" : "<"} ${String(end)}`);
  } else same(x, mark.x);
  // Statistics are over finite numbers.
  if (kind !== "histogram" && y !== null) conditions.push(`is_finite(${writeField(y)})`);
  same(color, mark.color);
  same(facet, mark.facet);
  const clauses = conditions.filter((condition) => condition !== null);
  return { clauses, whole: clauses.length === conditions.length };
}

function equality(field: Field, value: number | string, info: FieldInfo | undefined): string | null {
  const name = writeField(field);
  if (value === MISSING) return `${name} = null`;
  if (typeof value === "number") return `${name} = ${String(value)}`;
  if (info?.type === "boolean") return `${name} = ${value}`;
  return info?.type === "string" ? `${name} = ${quote(value)}` : null;
}
