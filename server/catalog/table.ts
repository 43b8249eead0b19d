/** All runs as columns: what filters, field index, aggregates and histograms are computed on. */
import { TrainyardError } from "../../protocol/errors.ts";
import { fieldsOf, NAMESPACES, walk, type Expression } from "../../protocol/expression/ast.ts";
import { compileValue, type Evaluator, type Value } from "../../protocol/expression/evaluate.ts";
import { orderDerived } from "../../protocol/expression/derived.ts";
import { parseFilter } from "../../protocol/expression/parse.ts";
import { expressionError } from "../../protocol/expression/tokens.ts";
import { nearest } from "../../protocol/nearest.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { cellsOf, RECORD_FIELD_NAMES } from "./cells.ts";
import { Column } from "./column.ts";
import { merged } from "./merged.ts";
import { RowOrders } from "./order.ts";
import { Selection } from "./selection.ts";
import type { DerivedDefinitions } from "./types.ts";

export interface Scope {
  readonly project?: string | undefined;
  readonly filter?: string | undefined;
}

const NOTHING: Evaluator = () => undefined;

export class RunTable {
  /** Row → id; rows are dense: the last one moves into the place of a removed one. */
  readonly #ids: string[] = [];
  readonly #rows = new Map<string, number>();
  /** What each row was made of, by row: the stamps of the runs room. */
  readonly #stamps: string[] = [];
  readonly #columns = new Map<string, Column>();
  #idOrder: Int32Array = new Int32Array();
  #idOrderVersion = -1;
  /** Rows that hold another run than the one that `#idOrder` has them for; those behind its end are new to it anyway. */
  readonly #replaced = new Set<number>();
  /** Changes when rows come, go or move. */
  rowsVersion = 0;
  readonly orders = new RowOrders(this);
  /** Project → its derived metrics, each behind those that it builds on. */
  #derived: ReadonlyMap<string, readonly { readonly name: string; readonly value: Evaluator }[]> = new Map();
  #definitions: DerivedDefinitions = {};
  #derivedFields: ReadonlySet<string> = new Set();

  /**
   * The table of a snapshot.
   * @param definitions the derived metrics that its columns hold
   */
  static restore(
    ids: readonly string[],
    stamps: readonly string[],
    columns: Iterable<readonly [string, Column]>,
    definitions: DerivedDefinitions,
  ): RunTable {
    const table = new RunTable();
    for (const [row, id] of ids.entries()) {
      table.#add(id);
      table.#stamps.push(stamps[row] ?? "");
    }
    for (const [field, column] of columns) table.#columns.set(field, column);
    table.#take(definitions);
    return table;
  }

  /** @param stamp tells this state of the run from others */
  upsert(run: RunSummary, stamp = ""): void {
    const known = this.#rows.get(run.id);
    const row = known ?? this.#add(run.id);
    this.#stamps[row] = stamp;
    const cells = cellsOf(run);
    if (known !== undefined) for (const [field, column] of this.#columns) if (!cells.has(field)) column.clear(row);
    for (const [field, value] of cells) this.#column(field).set(row, value, this.#ids.length);
    this.#derive(row, run.project);
  }

  #add(id: string): number {
    const row = this.#ids.length;
    if (row < this.#idOrder.length) this.#replaced.add(row);
    this.#ids.push(id);
    this.#rows.set(id, row);
    this.rowsVersion++;
    return row;
  }

  /**
   * Takes over the derived metrics of all projects and computes them for the runs that there are.
   * @param definitions project → name → expression; those of a project whose file holds nonsense are left out
   */
  define(definitions: DerivedDefinitions): void {
    if (JSON.stringify(definitions) === JSON.stringify(this.#definitions)) return;
    this.#take(definitions);
    for (const [field, column] of this.#columns)
      if (field.startsWith("derived.")) for (let row = 0; row < this.#ids.length; row++) column.clear(row);
    const projectOf = this.read("record.project");
    for (let row = 0; row < this.#ids.length; row++) this.#derive(row, projectOf(row));
  }

  get definitions(): DerivedDefinitions {
    return this.#definitions;
  }

  #take(definitions: DerivedDefinitions): void {
    this.#definitions = definitions;
    const derived = new Map<string, readonly { readonly name: string; readonly value: Evaluator }[]>();
    // A column may come later than the definition that reads it.
    const read =
      (field: string): Evaluator =>
      (row) =>
        this.#columns.get(field)?.value(row);
    for (const [project, own] of Object.entries(definitions)) {
      try {
        derived.set(
          project,
          orderDerived(own).map(({ name, expression }) => ({ name, value: compileValue(expression, read) })),
        );
      } catch (error) {
        if (!(error instanceof TrainyardError)) throw error; // The editing route said so when it was written; a file changed by hand may hold anything.
      }
    }
    this.#derived = derived;
    this.#derivedFields = new Set([...derived.values()].flatMap((own) => own.map(({ name }) => `derived.${name}`)));
  }

  remove(id: string): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    const last = this.#ids.length - 1;
    const moved = this.#ids[last];
    for (const column of this.#columns.values()) {
      if (row === last) column.clear(row);
      else column.move(last, row);
    }
    this.rowsVersion++;
    this.#ids.pop();
    this.#rows.delete(id);
    const stamp = this.#stamps.pop() ?? "";
    if (row !== last && moved !== undefined) {
      this.#replaced.add(row);
      this.#stamps[row] = stamp;
      this.#ids[row] = moved;
      this.#rows.set(moved, row);
    }
  }

  get size(): number {
    return this.#ids.length;
  }

  id(row: number): string {
    return this.#ids[row] ?? "";
  }

  stamp(row: number): string {
    return this.#stamps[row] ?? "";
  }

  /** undefined for a run that is not in the table. */
  stampOf(id: string): string | undefined {
    const row = this.#rows.get(id);
    return row === undefined ? undefined : this.stamp(row);
  }

  get columns(): ReadonlyMap<string, Column> {
    return this.#columns;
  }

  /** All rows in the order of their ids. */
  byId(): Int32Array {
    if (this.#idOrderVersion === this.rowsVersion) return this.#idOrder;
    const { size } = this;
    const known = this.#idOrder;
    const fresh = [...this.#replaced].filter((row) => row < known.length && row < size);
    for (let row = known.length; row < size; row++) fresh.push(row);
    const compare = (a: number, b: number): number => (this.id(a) < this.id(b) ? -1 : 1);
    // Runs come in the order of their ids as a rule: then nothing has to be sorted.
    if (fresh.some((row, at) => at > 0 && compare(fresh[at - 1] ?? 0, row) > 0)) fresh.sort(compare);
    const stale = this.#replaced.size > 0 || size < known.length;
    const kept = stale ? known.filter((row) => row < size && !this.#replaced.has(row)) : known;
    const rows = merged(kept, fresh, compare);
    this.#replaced.clear();
    this.#idOrder = rows;
    this.#idOrderVersion = this.rowsVersion;
    return rows;
  }

  /** Fields that some run has a value of, in the order of their names. */
  fields(): string[] {
    return [...this.#columns]
      .filter(([, column]) => column.count > 0)
      .map(([field]) => field)
      .sort();
  }

  /** The column of a field that exists; undefined where no run has a value of it. */
  column(field: string): Column | undefined {
    return this.#columns.get(field);
  }

  read(field: string): Evaluator {
    const column = this.#columns.get(field);
    return column === undefined ? NOTHING : (row) => column.value(row);
  }

  /** @throws TrainyardError bad_request when there is no such field. Before the first run, any param and metric may come. */
  mustKnow(field: string, what: string): void {
    if (!this.#isKnown(field)) throw unknownField(field, what, this.fields());
  }

  /** The runs in the scope. @throws TrainyardError bad_request, with the place in the filter */
  select({ project, filter }: Scope): Selection {
    const expression = filter === undefined || filter.trim() === "" ? null : parseFilter(filter);
    if (expression !== null) this.checkFields(expression, "filter");
    const selection = new Selection(this);
    if (project !== undefined) selection.narrowBy("record.project", (value) => value === project);
    if (expression !== null) selection.narrow(expression);
    return selection;
  }

  /** @throws TrainyardError bad_request for a field that does not exist, with its place */
  checkFields(expression: Expression, what: string): void {
    if (fieldsOf(expression).every((field) => this.#isKnown(field))) return;
    for (const part of walk(expression)) {
      if (part.kind !== "field" || this.#isKnown(part.name)) continue;
      const { message, hint } = unknownField(part.name, what, this.fields());
      throw expressionError(what, message, part.span, hint);
    }
  }

  #derive(row: number, project: Value): void {
    if (typeof project !== "string") return;
    for (const { name, value } of this.#derived.get(project) ?? []) {
      const found = value(row);
      if (found !== undefined) this.#column(`derived.${name}`).set(row, found, this.#ids.length);
    }
  }

  #isKnown(field: string): boolean {
    if (this.#derivedFields.has(field)) return true;
    if ((this.#columns.get(field)?.count ?? 0) > 0 || RECORD_FIELD_NAMES.includes(field)) return true;
    const isOpen = field.startsWith("params.") || field.startsWith("metrics.");
    return isOpen && this.#ids.length === 0;
  }

  #column(field: string): Column {
    let column = this.#columns.get(field);
    if (column === undefined) {
      column = new Column();
      this.#columns.set(field, column);
    }
    return column;
  }
}

function unknownField(field: string, what: string, fields: readonly string[]): TrainyardError {
  const known = [...new Set([...RECORD_FIELD_NAMES, ...fields])];
  const near = nearest(field, known) ?? sameName(field, known);
  const namespaces = NAMESPACES.map((one) => `${one}.…`).join(", ");
  const slash = field.includes("/") ? " To divide, write spaces around the slash." : "";
  const hint = near === null ? `Fields are ${namespaces}; GET /api/fields lists them.${slash}` : `Did you mean ${near}?${slash}`;
  const message = `no run has the field ${field}`;
  return new TrainyardError("bad_request", message, hint, [{ severity: "error", field: what, message, hint }]);
}

/** `params.loss` for `metrics.loss`. */
function sameName(field: string, known: readonly string[]): string | null {
  const name = field.slice(field.indexOf("."));
  return known.find((one) => one.endsWith(name) && one.slice(one.indexOf(".")) === name) ?? null;
}
