/** What the table asks the server for: the filter of its scope, the fields of its rows. Pure. */
import type { FieldInfo } from "../../protocol/analysis.ts";
import { csvTable } from "../../protocol/csv.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { JsonValue } from "../../protocol/json.ts";
import type { TableColumn, ViewSettings } from "../../protocol/saved.ts";
import { RunState } from "../../protocol/states.ts";
import { type Field, fieldOf, isNumeric, sparkField } from "./fields.ts";
import { joinClauses, quote } from "./filter-text.ts";

/** A run as the table shows it. */
export interface Row {
  readonly id: RunId;
  /** By field; null where the run has no value. */
  readonly values: Readonly<Record<Field, JsonValue>>;
  /** It was deleted since. */
  readonly gone: boolean;
}

/** What every row needs beside its columns. */
export const ROW_FIELDS: readonly Field[] = [
  "record.name",
  "record.state",
  "record.state_reason",
  "record.tags",
  "record.starred",
  "record.archived",
  "record.damage",
];

/** Most fields that one question may name. */
const MOST_FIELDS = 200;
/** Most columns of the table: beside what every row needs, with the number of points of a curve. */
export const MOST_COLUMNS = MOST_FIELDS - ROW_FIELDS.length - 1;
/** Most fields whose statistics one question may ask for. */
const MOST_VALUES = 32;

export interface Scope {
  readonly filter: string;
  /** Where the clauses begin in it, for the places of errors. */
  readonly starts: readonly number[];
}

/** @param typed a condition that is not a clause yet, or "" */
export function scopeOf(view: Pick<ViewSettings, "clauses" | "states" | "archived">, typed: string, withStates: boolean): Scope {
  const clauses = [...view.clauses, ...(typed === "" ? [] : [typed])];
  const states = withStates && view.states.length > 0 ? [`record.state in (${view.states.map(quote).join(", ")})`] : [];
  const { text, starts } = joinClauses([...clauses, ...states, `record.archived = ${String(view.archived)}`]);
  return { filter: text, starts: starts.slice(0, clauses.length) };
}

/** Fields of a row's question: one that no run has any more would be refused. */
export function rowFields(columns: readonly TableColumn[], known: ReadonlyMap<Field, FieldInfo>): Field[] {
  const wanted = columns.map(({ field }) => field).filter((field) => field.startsWith("record.") || known.has(field));
  const spark = sparkField(columns);
  const points = spark !== null && known.has(spark) ? [sparkCount(spark)] : [];
  return [...new Set([...ROW_FIELDS, ...points, ...wanted])].slice(0, MOST_FIELDS);
}

/** How many points a curve has. */
export function sparkCount(field: Field): Field {
  return `${field}:count`;
}

export function sortKeys(view: Pick<ViewSettings, "sort" | "group">, known: ReadonlyMap<Field, FieldInfo>): string[] {
  const keys = [...view.group, ...view.sort.filter((key) => !view.group.includes(fieldOf(key)))];
  const usable = keys.filter((key) => fieldOf(key).startsWith("record.") || known.has(fieldOf(key)));
  return usable.length > 0 ? usable.slice(0, 8) : ["-record.created_at"];
}

/** The columns that a group's line has a number for. */
export function groupValues(columns: readonly TableColumn[], known: ReadonlyMap<Field, FieldInfo>): Field[] {
  const numeric = columns
    .map(({ field }) => field)
    .filter((field) => known.get(field)?.type === "numeric" && isNumeric(field, known.get(field)));
  return [...new Set([...numeric, "record.duration_seconds"])].slice(0, MOST_VALUES);
}

export function rowOf(fields: readonly Field[], { id, values }: { readonly id: RunId; readonly values: readonly JsonValue[] }): Row {
  return { id, gone: false, values: Object.fromEntries(fields.map((field, index) => [field, values[index] ?? null])) };
}

export function text(row: Row, field: Field): string {
  const value = row.values[field];
  return typeof value === "string" ? value : "";
}

export function tagsOf(row: Row): string[] {
  const value = row.values["record.tags"];
  return Array.isArray(value) ? value.filter((tag) => typeof tag === "string") : [];
}

/** As they are edited. */
export function tagsText(row: Row): string {
  return tagsOf(row).join(", ");
}

export function stateOf(row: Row): RunState {
  return RunState.catch("interrupted").parse(row.values["record.state"]);
}

/** A table as CSV (RFC 4180): the header, then a line for each row; lists as JSON. */
export function toCsv(fields: readonly Field[], rows: readonly Row[]): string {
  const cell = (value: JsonValue): string => (value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));
  return csvTable([["id", ...fields], ...rows.map(({ id, values }) => [id, ...fields.map((field) => cell(values[field] ?? null))])]);
}
