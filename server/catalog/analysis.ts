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
  Statistics,
} from "../../protocol/analysis.ts";
import { compileValue, type Value } from "../../protocol/expression/evaluate.ts";
import { parseValue } from "../../protocol/expression/parse.ts";
import type { JsonValue } from "../../protocol/json.ts";
import { toWireNumber } from "../../protocol/wire-number.ts";
import { KIND, type DenseView } from "./cell-kinds.ts";
import { ColumnCounts, MAX_UNIQUE } from "./column-counts.ts";
import type { Column } from "./column.ts";
import { Grouping } from "./groups.ts";
import { statisticsOf } from "./statistics.ts";
import type { RunTable } from "./table.ts";

export class Analysis {
  readonly #table: RunTable;
  readonly #grouping: Grouping;
  /** Of all runs, while their column stays as it is. */
  readonly #described = new WeakMap<Column, { readonly stamp: string; readonly info: FieldInfo }>();

  constructor(table: RunTable) {
    this.#table = table;
    this.#grouping = new Grouping(table);
  }

  fields(scope: AnalysisScope): FieldIndex {
    const { size } = this.#table;
    const rows = this.#table.select(scope).rows();
    const fields: FieldInfo[] = [];
    for (const name of this.#table.fields()) {
      const column = this.#table.column(name);
      if (column === undefined) continue;
      if (rows.length === size) {
        fields.push(this.#describe(name, column));
        continue;
      }
      const counts = countsIn(column, rows, size);
      if (counts.present > 0) fields.push(describeField(name, column, counts, rows.length));
    }
    return { fields, runs: rows.length };
  }

  #describe(name: string, column: Column): FieldInfo {
    const { size } = this.#table;
    const stamp = `${String(column.version)} ${String(size)}`;
    const known = this.#described.get(column);
    if (known?.stamp === stamp) return known.info;
    const info = describeField(name, column, column.counts(), size);
    this.#described.set(column, { stamp, info });
    return info;
  }

  fieldValues({ field, search, limit, ...scope }: FieldValuesQuery): FieldValues {
    this.#table.mustKnow(field, "field");
    const rows = this.#table.select(scope).rows();
    const column = this.#table.column(field);
    const wanted = search?.toLowerCase() ?? "";
    const counts =
      column === undefined ? [] : countValues(column, rows, this.#table.size).filter(({ value }) => shownText(value).includes(wanted));
    return { values: counts.slice(0, limit), total: counts.length };
  }

  query({ fields, sort, limit, offset, ...scope }: QueryRuns): QueryResult {
    for (const field of fields) this.#table.mustKnow(field, "fields");
    for (const key of sort) this.#table.mustKnow(key.replace(/^-/, ""), "sort");
    const selection = this.#table.select(scope);
    const page = this.#table.orders.page(selection, sort, offset, limit);
    const readers = fields.map((field) => this.#table.read(field));
    return {
      fields,
      rows: page.map((row) => ({ id: this.#table.id(row), values: readers.map((read) => toJson(read(row))) })),
      total: selection.count,
    };
  }

  aggregate({ group_by, values, limit, ...scope }: Aggregate): AggregateResult {
    for (const field of group_by) this.#table.mustKnow(field, "group_by");
    for (const field of values) this.#table.mustKnow(field, "values");
    const groups = this.#grouping.groups(this.#table.select(scope), group_by);
    const keys = group_by.map((field) => this.#table.read(field));
    const shown = groups.slice(0, limit);
    const statistics = values.map((field) => [field, this.#statisticsOf(field, shown)] as const);
    return {
      groups: shown.map((group, index) => ({
        key: keys.map((read) => toJson(read(group[0] ?? 0))),
        runs: group.length,
        values: Object.fromEntries(
          statistics.map(([field, ofGroups]) => [field, ofGroups[index] ?? statisticsOf(new Float64Array(), { missing: 0, nonFinite: 0 })]),
        ),
      })),
      total: groups.length,
    };
  }

  histogram({ field, bins, range, ...scope }: Histogram): HistogramResult {
    this.#table.mustKnow(field, "field");
    const rows = this.#table.select(scope).rows();
    const column = this.#table.column(field);
    const view = this.#view(field);
    const { numbers, nonFinite } = numbersOf(view, rows);
    const present = rows.reduce((sum, row) => sum + Number(view !== null && view.kinds[row] !== KIND.missing), 0);
    const categories = column === undefined ? [] : countValues(column, rows, this.#table.size, (kind) => kind !== KIND.number);
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
    const rows = this.#table.select(scope).rows();
    const countBy = (field: string): Record<string, number> => {
      const column = this.#table.column(field);
      return Object.fromEntries(
        column === undefined
          ? []
          : countValues(column, rows, this.#table.size).map(({ value, count }) => [
              typeof value === "string" ? value : JSON.stringify(value),
              count,
            ]),
      );
    };
    const sum = (field: string): number => {
      const view = this.#view(field);
      let total = 0;
      if (view !== null)
        for (const row of rows) {
          const number = view.numbers[row] ?? 0;
          if (view.kinds[row] === KIND.number && number - number === 0) total += number;
        }
      return total;
    };
    const isTrue = (field: string): number => {
      const view = this.#view(field);
      return rows.reduce((total, row) => total + Number(view?.kinds[row] === KIND.boolean && view.numbers[row] === 1), 0);
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
    const selection = this.#table.select(scope);
    const rows = selection.rows();
    const value = compileValue(parsed, (field) => this.#table.read(field));
    const name = this.#table.read("record.name");
    const page = this.#table.orders.page(selection, ["-record.created_at"], 0, limit);
    const values = page.map((row) => ({ id: this.#table.id(row), name: String(name(row)), value: scalar(value(row)) }));
    return { values, total: rows.length, present: rows.reduce((sum, row) => sum + Number(value(row) !== undefined), 0) };
  }

  /**
   * Of the field's numbers in each group. They are read off in the order of all runs where one is kept, since the table is sorted by the field;
   * else each group is sorted by itself, which is quicker than making an order that nobody may ask for again.
   */
  #statisticsOf(field: string, groups: readonly Int32Array[]): Statistics[] {
    const view = this.#view(field);
    const order = this.#table.orders.kept([field]);
    if (view !== null && order !== null) return statisticsInOrder(view, groups, order);
    return groups.map((group) => {
      const { numbers, missing, nonFinite } = numbersOf(view, group);
      return statisticsOf(numbers.sort(), { missing, nonFinite });
    });
  }

  #view(field: string): DenseView | null {
    return this.#table.column(field)?.view(this.#table.size) ?? null;
  }
}

/** What a column holds in some of the rows. */
function countsIn(column: Column, rows: Int32Array, size: number): ColumnCounts {
  const counts = new ColumnCounts();
  const { kinds, numbers } = column.view(size);
  counts.addRows(kinds, numbers, rows);
  return counts;
}

function describeField(name: string, column: Column, counts: ColumnCounts, rows: number): FieldInfo {
  const unique = counts.unique();
  const values = unique?.map(({ kind, number, count }) => ({ value: toJson(column.meaning(kind, number)), count })) ?? [];
  return {
    name,
    type: typeOf(counts),
    count: counts.present,
    missing: rows - counts.present,
    min: counts.range?.[0] ?? null,
    max: counts.range?.[1] ?? null,
    non_finite: counts.nonFinite,
    unique: unique?.length ?? null,
    values: inOrder(values),
  };
}

function typeOf(counts: ColumnCounts): FieldType {
  const { present } = counts;
  if (counts.ofKind(KIND.number) === present) return "numeric";
  if (counts.ofKind(KIND.boolean) === present) return "boolean";
  if (counts.ofKind(KIND.text) === present) return "string";
  return counts.ofKind(KIND.list) === present ? "list" : "mixed";
}

/** Every value with its count, most frequent first. */
function countValues(
  column: Column,
  rows: Int32Array,
  size: number,
  counted: (kind: number) => boolean = () => true,
): { value: JsonValue; count: number }[] {
  const { kinds, numbers } = column.view(size);
  const [values, truths, texts] = [new Map<number, number>(), new Map<number, number>(), new Map<number, number>()];
  for (const row of rows) {
    const kind = kinds[row] ?? KIND.missing;
    if (kind === KIND.missing || !counted(kind)) continue;
    const number = numbers[row] ?? 0;
    const counts = kind === KIND.number ? values : kind === KIND.boolean ? truths : texts;
    counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  const listed = (counts: Map<number, number>, kind: number): { value: JsonValue; count: number }[] =>
    [...counts].map(([number, count]) => ({ value: toJson(column.meaning(kind, number)), count }));
  return inOrder([...listed(values, KIND.number), ...listed(truths, KIND.boolean), ...listed(texts, KIND.text)]);
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

function numbersOf(view: DenseView | null, rows: Int32Array): { numbers: Float64Array; missing: number; nonFinite: number } {
  const found = new Float64Array(rows.length);
  let [count, nonFinite] = [0, 0];
  if (view !== null) {
    const { kinds, numbers } = view;
    for (const row of rows) {
      if (kinds[row] !== KIND.number) continue;
      const number = numbers[row] ?? 0;
      if (number - number === 0) found[count++] = number;
      else nonFinite++;
    }
  }
  return { numbers: found.subarray(0, count), missing: rows.length - count - nonFinite, nonFinite };
}

/** @param order all rows, ascending by the view's values */
function statisticsInOrder({ kinds, numbers }: DenseView, groups: readonly Int32Array[], order: Int32Array): Statistics[] {
  const groupOf = new Int32Array(order.length).fill(-1);
  for (const [index, group] of groups.entries()) for (const row of group) groupOf[row] = index;
  const sorted = groups.map((group) => ({ numbers: new Float64Array(group.length), count: 0, nonFinite: 0 }));
  for (const row of order) {
    if (kinds[row] === KIND.missing) break;
    const group = sorted[groupOf[row] ?? -1];
    if (group === undefined || kinds[row] !== KIND.number) continue;
    const number = numbers[row] ?? 0;
    if (number - number === 0) group.numbers[group.count++] = number;
    else group.nonFinite++;
  }
  return sorted.map(({ numbers: own, count, nonFinite }) =>
    statisticsOf(own.subarray(0, count), { missing: own.length - count - nonFinite, nonFinite }),
  );
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
