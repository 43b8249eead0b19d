/** All runs as columns: what filters, field index, aggregates and histograms are computed on. */
import { TrainyardError } from "../../protocol/errors.ts";
import { fieldsOf, NAMESPACES, walk, type Expression } from "../../protocol/expression/ast.ts";
import { compilePredicate, compileValue, type Evaluator, type Value } from "../../protocol/expression/evaluate.ts";
import { orderDerived, type DerivedMetric } from "../../protocol/expression/derived.ts";
import { parseFilter } from "../../protocol/expression/parse.ts";
import { expressionError } from "../../protocol/expression/tokens.ts";
import { nearest } from "../../protocol/nearest.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { cellsOf, RECORD_FIELD_NAMES } from "./cells.ts";
import { Column } from "./column.ts";

export interface Scope {
  readonly project?: string | undefined;
  readonly filter?: string | undefined;
}

const NOTHING: Evaluator = () => undefined;

export class RunTable {
  /** Row → id; rows are dense: the last one moves into the place of a removed one. */
  readonly #ids: string[] = [];
  readonly #rows = new Map<string, number>();
  readonly #columns = new Map<string, Column>();
  /** Project → its derived metrics, each behind those that it builds on. */
  #derived: ReadonlyMap<string, readonly DerivedMetric[]> = new Map();
  #derivedFields: ReadonlySet<string> = new Set();

  /** Makes the table hold exactly `runs`. */
  sync(runs: readonly RunSummary[]): void {
    const wanted = new Set<string>(runs.map((run) => run.id));
    for (const id of [...this.#ids]) if (!wanted.has(id)) this.remove(id);
    for (const run of runs) this.upsert(run);
  }

  upsert(run: RunSummary): void {
    const known = this.#rows.get(run.id);
    const row = known ?? this.#ids.push(run.id) - 1;
    if (known === undefined) this.#rows.set(run.id, row);
    const cells = cellsOf(run);
    if (known !== undefined) for (const [field, column] of this.#columns) if (!cells.has(field)) column.clear(row);
    for (const [field, value] of cells) this.#column(field).set(row, value, this.#ids.length);
    this.#derive(row, run.project);
  }

  /**
   * Takes over the derived metrics of all projects and computes them for the runs that there are.
   * @param definitions project → name → expression; those of a project whose file holds nonsense are left out
   */
  define(definitions: Readonly<Record<string, Readonly<Record<string, string>>>>): void {
    const derived = new Map<string, readonly DerivedMetric[]>();
    for (const [project, own] of Object.entries(definitions)) {
      try {
        derived.set(project, orderDerived(own));
      } catch (error) {
        if (!(error instanceof TrainyardError)) throw error; // The editing route said so when it was written; a file changed by hand may hold anything.
      }
    }
    this.#derived = derived;
    this.#derivedFields = new Set([...derived.values()].flatMap((own) => own.map(({ name }) => `derived.${name}`)));
    for (const [field, column] of this.#columns)
      if (field.startsWith("derived.")) for (let row = 0; row < this.#ids.length; row++) column.clear(row);
    const projectOf = this.read("record.project");
    for (let row = 0; row < this.#ids.length; row++) this.#derive(row, projectOf(row));
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
    this.#ids.pop();
    this.#rows.delete(id);
    if (row !== last && moved !== undefined) {
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

  /** Row numbers of the runs in the scope. @throws TrainyardError bad_request, with the place in the filter */
  select({ project, filter }: Scope): Int32Array {
    const inProject = project === undefined ? null : this.read("record.project");
    const expression = filter === undefined || filter.trim() === "" ? null : parseFilter(filter);
    if (expression !== null) this.checkFields(expression, "filter");
    const passes = expression === null ? null : compilePredicate(expression, (field) => this.read(field));
    const rows = new Int32Array(this.#ids.length);
    let count = 0;
    for (let row = 0; row < this.#ids.length; row++) {
      if (inProject !== null && inProject(row) !== project) continue;
      if (passes !== null && !passes(row)) continue;
      rows[count++] = row;
    }
    return rows.subarray(0, count);
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
    for (const { name, expression } of this.#derived.get(project) ?? []) {
      const value = compileValue(expression, (field) => this.read(field))(row);
      if (value !== undefined) this.#column(`derived.${name}`).set(row, value, this.#ids.length);
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
