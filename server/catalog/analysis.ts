/** The answers to questions over many runs, computed on the columns. */
import type {
  Aggregate,
  AggregateResult,
  AnalysisScope,
  Evaluate,
  EvaluateResult,
  FieldIndex,
  FieldInfo,
  FieldType,
  FieldValues,
  FieldValuesQuery,
  Histogram,
  HistogramResult,
  QueryResult,
  QueryRuns,
  RunStatistics,
} from "../../protocol/analysis.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import { compileValue, type Value } from "../../protocol/expression/evaluate.ts";
import { parseValue } from "../../protocol/expression/parse.ts";
import { toWireNumber, type JsonValue } from "../../protocol/json.ts";
import { KIND, type Column, type Kind } from "./column.ts";
import { pageOf, rowOrder } from "./order.ts";
import { statisticsOf } from "./statistics.ts";
import type { RunTable } from "./table.ts";

/** Values of a field that are listed one by one. */
const MAX_UNIQUE = 100;

export class Analysis {
  readonly #table: RunTable;
  /** Field infos over all runs, by the state of their column. */
  readonly #infos = new Map<string, { stamp: string; info: FieldInfo }>();

  constructor(table: RunTable) {
    this.#table = table;
  }

  fields(scope: AnalysisScope): FieldIndex {
    const rows = this.#table.select(scope);
    const all = rows.length === this.#table.size;
    const fields: FieldInfo[] = [];
    for (const name of this.#table.fields()) {
      const column = this.#table.column(name);
      if (column === undefined) continue;
      const stamp = `${column.version} ${rows.length}`;
      const known = all ? this.#infos.get(name) : undefined;
      const info = known?.stamp === stamp ? known.info : describeField(name, column, rows);
      if (all) this.#infos.set(name, { stamp, info });
      if (info.count > 0) fields.push(info);
    }
    return { fields, runs: rows.length };
  }

  fieldValues({ field, search, limit, ...scope }: FieldValuesQuery): FieldValues {
    this.#table.mustKnow(field, "field");
    const rows = this.#table.select(scope);
    const column = this.#table.column(field);
    const wanted = search?.toLowerCase() ?? "";
    const counts = column === undefined ? [] : countValues(column, rows).filter(({ value }) => shownText(value).includes(wanted));
    return { values: counts.slice(0, limit), total: counts.length };
  }

  query({ fields, sort, limit, offset, ...scope }: QueryRuns): QueryResult {
    for (const field of fields) this.#table.mustKnow(field, "fields");
    for (const key of sort) this.#table.mustKnow(key.replace(/^-/, ""), "sort");
    const rows = this.#table.select(scope);
    const page = pageOf(rows, rowOrder(this.#table, sort), offset, limit);
    const readers = fields.map((field) => this.#table.read(field));
    return {
      fields,
      rows: page.map((row) => ({ id: this.#table.id(row), values: readers.map((read) => toJson(read(row))) })),
      total: rows.length,
    };
  }

  aggregate({ group_by, values, limit, ...scope }: Aggregate): AggregateResult {
    for (const field of group_by) this.#table.mustKnow(field, "group_by");
    for (const field of values) this.#table.mustKnow(field, "values");
    const rows = this.#table.select(scope);
    const groups = groupRows(
      rows,
      group_by.map((field) => this.#table.column(field)),
    );
    const keys = group_by.map((field) => this.#table.read(field));
    const order = rowOrder(this.#table, group_by);
    const first = (group: number[]): number => group[0] ?? 0;
    groups.sort((a, b) => order(first(a), first(b)));
    return {
      groups: groups.slice(0, limit).map((group) => ({
        key: keys.map((read) => toJson(read(first(group)))),
        runs: group.length,
        values: Object.fromEntries(
          values.map((field) => {
            const { numbers, missing, nonFinite } = numbersOf(this.#table.column(field), group);
            return [field, statisticsOf(numbers, { missing, nonFinite })];
          }),
        ),
      })),
      total: groups.length,
    };
  }

  histogram({ field, bins, range, ...scope }: Histogram): HistogramResult {
    this.#table.mustKnow(field, "field");
    if (range !== undefined && !(range[0] < range[1]))
      throw new TrainyardError("bad_request", `the range ${range[0]} to ${range[1]} is empty`, "Give the lower end first.");
    const rows = this.#table.select(scope);
    const column = this.#table.column(field);
    const { numbers, nonFinite } = numbersOf(column, rows);
    const present = column === undefined ? 0 : rows.reduce((sum, row) => sum + Number(column.kind(row) !== KIND.missing), 0);
    const categories = column === undefined ? [] : countValues(column, rows, (kind) => kind !== KIND.number);
    const [edges, counts] = binned(numbers, bins, range);
    const inside = counts.reduce((sum, count) => sum + count, 0);
    return {
      edges,
      counts,
      count: numbers.length,
      outside: numbers.length - inside,
      non_finite: nonFinite,
      missing: rows.length - present,
      categories: categories.slice(0, MAX_UNIQUE),
    };
  }

  statistics(scope: AnalysisScope): RunStatistics {
    const rows = this.#table.select(scope);
    const countBy = (field: string): Record<string, number> => {
      const column = this.#table.column(field);
      return Object.fromEntries(
        column === undefined
          ? []
          : countValues(column, rows).map(({ value, count }) => [typeof value === "string" ? value : JSON.stringify(value), count]),
      );
    };
    const sum = (field: string): number => {
      const { numbers } = numbersOf(this.#table.column(field), rows);
      return numbers.reduce((total, number) => total + number, 0);
    };
    const isTrue = (field: string): number => {
      const read = this.#table.read(field);
      return rows.reduce((total, row) => total + Number(read(row) === true), 0);
    };
    const created = this.#table.read("record.created_at");
    let newest: string | null = null;
    for (const row of rows) {
      const time = created(row);
      if (typeof time === "string" && (newest === null || time > newest)) newest = time;
    }
    const counts = this.#table.fields().filter((field) => field.startsWith("metrics.") && field.endsWith(":count"));
    return {
      runs: rows.length,
      states: countBy("record.state"),
      projects: countBy("record.project"),
      recipes: countBy("record.recipe"),
      archived: isTrue("record.archived"),
      starred: isTrue("record.starred"),
      checkpoints: sum("record.checkpoint_count"),
      points: counts.reduce((total, field) => total + sum(field), 0),
      training_seconds: sum("record.duration_seconds"),
      newest,
    };
  }

  evaluate({ expression, limit, ...scope }: Evaluate): EvaluateResult {
    const parsed = parseValue(expression);
    this.#table.checkFields(parsed, "expression");
    const rows = this.#table.select(scope);
    const value = compileValue(parsed, (field) => this.#table.read(field));
    const name = this.#table.read("record.name");
    const page = new Set(pageOf(rows, rowOrder(this.#table, ["-record.created_at"]), 0, limit));
    const values = [...page].map((row) => ({ id: this.#table.id(row), name: String(name(row)), value: scalar(value(row)) }));
    return { values, total: rows.length, present: rows.reduce((sum, row) => sum + Number(value(row) !== undefined), 0) };
  }
}

function describeField(name: string, column: Column, rows: Int32Array): FieldInfo {
  const kinds = new Set<number>();
  const unique = new Map<string, number>();
  const first = new Map<string, number>();
  let [count, nonFinite, min, max] = [0, 0, Infinity, -Infinity];
  for (const row of rows) {
    const kind = column.kind(row);
    if (kind === KIND.missing) continue;
    count++;
    kinds.add(kind);
    const number = column.number(row);
    if (kind === KIND.number) {
      if (!Number.isFinite(number)) nonFinite++;
      else {
        if (number < min) min = number;
        if (number > max) max = number;
      }
    }
    if (unique.size > MAX_UNIQUE) continue;
    const key = `${kind} ${number}`;
    const seen = unique.get(key);
    if (seen === undefined) first.set(key, row);
    unique.set(key, (seen ?? 0) + 1);
  }
  const few = unique.size <= MAX_UNIQUE;
  return {
    name,
    type: typeOfKinds(kinds),
    count,
    missing: rows.length - count,
    min: min <= max ? min : null,
    max: min <= max ? max : null,
    non_finite: nonFinite,
    unique: few ? unique.size : null,
    values: few ? inOrder([...unique].map(([key, times]) => ({ value: toJson(column.value(first.get(key) ?? 0)), count: times }))) : [],
  };
}

function typeOfKinds(kinds: ReadonlySet<number>): FieldType {
  if (kinds.size !== 1) return "mixed";
  if (kinds.has(KIND.number)) return "numeric";
  if (kinds.has(KIND.boolean)) return "boolean";
  return kinds.has(KIND.text) ? "string" : "list";
}

/** Every value with its count, most frequent first. */
function countValues(
  column: Column,
  rows: Int32Array,
  counted: (kind: Kind) => boolean = () => true,
): { value: JsonValue; count: number }[] {
  const counts = new Map<string, { row: number; count: number }>();
  for (const row of rows) {
    const kind = column.kind(row);
    if (kind === KIND.missing || !counted(kind)) continue;
    const key = `${kind} ${column.number(row)}`;
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { row, count: 1 });
    else known.count++;
  }
  return inOrder([...counts.values()].map(({ row, count }) => ({ value: toJson(column.value(row)), count })));
}

function inOrder(counts: { value: JsonValue; count: number }[]): { value: JsonValue; count: number }[] {
  return counts.sort((a, b) => {
    if (a.count !== b.count) return b.count - a.count;
    if (typeof a.value === "number" && typeof b.value === "number") return a.value - b.value;
    return shownText(a.value) < shownText(b.value) ? -1 : 1;
  });
}

function shownText(value: JsonValue): string {
  return (typeof value === "string" ? value : JSON.stringify(value)).toLowerCase();
}

/** Rows with the same values, in the order in which each group is met. */
function groupRows(rows: Int32Array, columns: readonly (Column | undefined)[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const row of rows) {
    let key = "";
    for (const column of columns)
      key += column === undefined ? "|" : `${column.kind(row)} ${column.kind(row) === KIND.missing ? 0 : column.number(row)}|`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return [...groups.values()];
}

function numbersOf(
  column: Column | undefined,
  rows: Int32Array | readonly number[],
): { numbers: Float64Array; missing: number; nonFinite: number } {
  const numbers = new Float64Array(rows.length);
  let [count, nonFinite] = [0, 0];
  for (const row of rows) {
    if (column?.kind(row) !== KIND.number) continue;
    const number = column.number(row);
    if (Number.isFinite(number)) numbers[count++] = number;
    else nonFinite++;
  }
  return { numbers: numbers.subarray(0, count), missing: rows.length - count - nonFinite, nonFinite };
}

/** Bins of equal width; a single value gets a range of 1 around it. */
function binned(numbers: Float64Array, bins: number, range: readonly [number, number] | undefined): [number[], number[]] {
  if (range === undefined && numbers.length === 0) return [[], []];
  let [low, high] = range ?? [Infinity, -Infinity];
  if (range === undefined) {
    for (const number of numbers) {
      if (number < low) low = number;
      if (number > high) high = number;
    }
    if (low === high) [low, high] = [low - 0.5, high + 0.5];
    // So large that half more or less is the same number.
    if (low === high) [low, high] = [low - Math.abs(low) * 1e-9, high + Math.abs(high) * 1e-9];
  }
  const edges = Array.from({ length: bins + 1 }, (_, i) => (i === bins ? high : low * (1 - i / bins) + high * (i / bins)));
  const counts = new Array<number>(bins).fill(0);
  for (const number of numbers) {
    if (number < low || number > high) continue;
    const bin = binOf(edges, number);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return [edges, counts];
}

/** By the edges themselves, not by a division: a value on an edge belongs where the edges say. */
function binOf(edges: readonly number[], number: number): number {
  let [low, high] = [0, edges.length - 2];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((edges[middle] ?? Infinity) <= number) low = middle;
    else high = middle - 1;
  }
  return low;
}

function toJson(value: Value): JsonValue {
  if (value === undefined) return null;
  if (typeof value === "number") return toWireNumber(value);
  return typeof value === "object" ? [...value] : value;
}

function scalar(value: Value): number | string | boolean | null {
  if (value === undefined) return null;
  if (typeof value === "number") return toWireNumber(value);
  return typeof value === "object" ? JSON.stringify(value) : value;
}
