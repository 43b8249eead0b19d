/** Runs with the same values of some fields. */
import { KIND } from "./cell-kinds.ts";
import type { Column } from "./column.ts";
import type { Selection } from "./selection.ts";
import type { RunTable } from "./table.ts";

/** Up to so many combinations are counted in an array, beyond it in a map. */
const MOST_SLOTS = 1 << 22;

/** The different values of a column by their numbers. */
interface Numbering {
  readonly stamp: string;
  /** By row. */
  readonly values: Uint32Array;
  /** How many there are at most. */
  readonly different: number;
}

export class Grouping {
  readonly #table: RunTable;
  readonly #numberings = new WeakMap<Column, Numbering>();

  constructor(table: RunTable) {
    this.#table = table;
  }

  /** The rows of each group; groups in the order of the fields, rows in that of the table. Without fields one group of all, if there are any. */
  groups(selection: Selection, fields: readonly string[]): Int32Array[] {
    const { size } = this.#table;
    const rows = selection.rows();
    let groups: Uint32Array = new Uint32Array(size);
    let count = 1;
    for (const field of fields) {
      const column = this.#table.column(field);
      if (column !== undefined) [groups, count] = refined(groups, count, this.#numbering(column), rows);
    }
    const members = membersOf(groups, count, rows);
    // One row stands for each group: there are far fewer groups than rows as a rule.
    const firsts = new Int32Array(count);
    const met = new Uint8Array(count);
    let found = 0;
    for (const row of this.#table.byId()) {
      if (found === count) break;
      const group = groups[row] ?? 0;
      if (selection.mask[row] === 0 || met[group] === 1) continue;
      met[group] = 1;
      firsts[found++] = row;
    }
    const sorted = this.#table.orders.sorted(firsts.subarray(0, found), fields);
    return Array.from(sorted, (row) => members[groups[row] ?? 0] ?? new Int32Array());
  }

  #numbering(column: Column): Numbering {
    const stamp = `${String(this.#table.rowsVersion)} ${String(column.version)}`;
    const known = this.#numberings.get(column);
    if (known?.stamp === stamp) return known;
    const numbering = { stamp, ...valueNumbers(column, this.#table.size) };
    this.#numberings.set(column, numbering);
    return numbering;
  }
}

function membersOf(groups: Uint32Array, count: number, rows: Int32Array): Int32Array[] {
  const sizes = new Int32Array(count);
  for (const row of rows) {
    const group = groups[row] ?? 0;
    sizes[group] = (sizes[group] ?? 0) + 1;
  }
  const members = Array.from(sizes, (size) => new Int32Array(size));
  const filled = new Int32Array(count);
  for (const row of rows) {
    const group = groups[row] ?? 0;
    const place = filled[group] ?? 0;
    filled[group] = place + 1;
    const own = members[group];
    if (own !== undefined) own[place] = row;
  }
  return members;
}

/** Splits each group by the values of a column. @returns by row its new group, and how many there are */
function refined(groups: Uint32Array, count: number, { values, different }: Numbering, rows: Int32Array): [Uint32Array, number] {
  const split = new Uint32Array(groups.length);
  const slots = count * different <= MOST_SLOTS ? new Uint32Array(count * different) : null;
  const further = new Map<number, number>();
  let found = 0;
  for (const row of rows) {
    const key = (groups[row] ?? 0) * different + (values[row] ?? 0);
    // 0 stands for a combination that was not met yet.
    let group = slots === null ? further.get(key) : slots[key];
    if (group === undefined || group === 0) {
      group = ++found;
      if (slots === null) further.set(key, group);
      else slots[key] = group;
    }
    split[row] = group - 1;
  }
  return [split, found];
}

function valueNumbers(column: Column, size: number): { values: Uint32Array; different: number } {
  const { kinds, numbers } = column.view(size);
  const values = new Uint32Array(size);
  // 0: missing; 1 and 2: the truths; then the codes of texts; then numbers as they are met.
  const firstNumber = 3 + column.entries.length;
  const known = new Map<number, number>();
  for (let row = 0; row < size; row++) {
    const kind = kinds[row];
    const number = numbers[row] ?? 0;
    if (kind === KIND.missing) continue;
    if (kind === KIND.boolean) values[row] = 1 + number;
    else if (kind !== KIND.number) values[row] = 3 + number;
    else {
      let value = known.get(number);
      if (value === undefined) known.set(number, (value = firstNumber + known.size));
      values[row] = value;
    }
  }
  return { values, different: firstNumber + known.size };
}
