/** Which rows a filter lets through: a mark per row, narrowed condition by condition. */
import { fieldsOf, type Expression } from "../../protocol/expression/ast.ts";
import { compilePredicate, type Evaluator, type Value } from "../../protocol/expression/evaluate.ts";
import { KIND } from "./cell-kinds.ts";
import type { Column } from "./column.ts";

export interface FilteredTable {
  readonly size: number;
  column(field: string): Column | undefined;
  read(field: string): Evaluator;
}

export class Selection {
  readonly #table: FilteredTable;
  /** By row: 1 for those that are selected. */
  readonly mask: Uint8Array;

  /** Begins with all rows. */
  constructor(table: FilteredTable) {
    this.#table = table;
    this.mask = new Uint8Array(table.size).fill(1);
  }

  get count(): number {
    let count = 0;
    for (const mark of this.mask) count += mark;
    return count;
  }

  /** The selected rows, ascending. */
  rows(): Int32Array {
    const rows = new Int32Array(this.mask.length);
    let count = 0;
    for (let row = 0; row < this.mask.length; row++) if (this.mask[row] === 1) rows[count++] = row;
    return rows.subarray(0, count);
  }

  /** Takes out the rows that the expression does not let through. */
  narrow(expression: Expression): void {
    narrow(this.#table, expression, this.mask);
  }

  /** Takes out the rows whose value of the field fails the test. */
  narrowBy(field: string, passes: (value: Value) => boolean): void {
    narrowByColumn(this.#table.column(field), passes, this.mask);
  }
}

function narrow(table: FilteredTable, expression: Expression, mask: Uint8Array): void {
  switch (expression.kind) {
    case "and":
      narrow(table, expression.left, mask);
      narrow(table, expression.right, mask);
      return;
    case "or": {
      const left = mask.slice();
      narrow(table, expression.left, left);
      // What the left side let through need not be looked at again.
      const right = mask;
      for (let row = 0; row < mask.length; row++) if (left[row] === 1) right[row] = 0;
      narrow(table, expression.right, right);
      for (let row = 0; row < mask.length; row++) if (left[row] === 1) mask[row] = 1;
      return;
    }
    case "not": {
      const passing = mask.slice();
      narrow(table, expression.operand, passing);
      for (let row = 0; row < mask.length; row++) if (passing[row] === 1) mask[row] = 0;
      return;
    }
    default: {
      const [field, ...others] = fieldsOf(expression);
      if (field !== undefined && others.length === 0) {
        let value: Value;
        const passes = compilePredicate(expression, () => () => value);
        narrowByColumn(
          table.column(field),
          (one) => {
            value = one;
            return passes(0);
          },
          mask,
        );
        return;
      }
      const passes = compilePredicate(expression, (name) => table.read(name));
      for (let row = 0; row < mask.length; row++) if (mask[row] === 1 && !passes(row)) mask[row] = 0;
    }
  }
}

/** Asks about each different text once, and about numbers row by row. */
function narrowByColumn(column: Column | undefined, passes: (value: Value) => boolean, mask: Uint8Array): void {
  const missing = passes(undefined);
  if (column === undefined) {
    if (!missing) mask.fill(0);
    return;
  }
  const { kinds, numbers } = column.view(mask.length);
  const { entries } = column;
  /** By code: 0 not asked yet, 1 passes, 2 does not. */
  const known = new Uint8Array(entries.length);
  const booleans = [passes(false), passes(true)];
  for (let row = 0; row < mask.length; row++) {
    if (mask[row] === 0) continue;
    const kind = kinds[row];
    const number = numbers[row] ?? 0;
    let pass: boolean;
    if (kind === KIND.number) pass = passes(number);
    else if (kind === KIND.missing) pass = missing;
    else if (kind === KIND.boolean) pass = booleans[number] === true;
    else {
      if (known[number] === 0) known[number] = passes(entries[number]) ? 1 : 2;
      pass = known[number] === 1;
    }
    if (!pass) mask[row] = 0;
  }
}
