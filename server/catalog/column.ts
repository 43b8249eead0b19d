/**
 * The values of one field, by row: kinds and numbers in typed arrays, texts and lists in a dictionary beside them. What the field index says of a
 * column (counts, range, values) is kept up to date with every change.
 */
import type { Value } from "../../protocol/expression/evaluate.ts";
import { KIND, type DenseView, type Kind, type List, type Numbers } from "./cell-kinds.ts";
import { ColumnCounts } from "./column-counts.ts";
import { TextOrder } from "./text-order.ts";

/** A column is kept as a map until every such-manieth row has a value: thousands of rare fields must not cost rows × fields. */
const DENSE_SHARE = 8;

/** A column as it is saved (column-file.ts). */
export interface ColumnState {
  /** null: one entry per row. Otherwise the rows that have a value. */
  readonly rows: Int32Array | null;
  readonly kinds: Uint8Array;
  readonly numbers: Numbers;
  readonly entries: readonly (string | List)[];
  readonly counts: ColumnCounts;
}

export class Column {
  #kinds: Uint8Array = new Uint8Array();
  #numbers: Numbers = new Int32Array();
  /** null once the column is dense. */
  #sparse: Map<number, { kind: Kind; number: number }> | null = new Map();
  #entries: (string | List)[] = [];
  /** Codes of texts, and of lists by their JSON. Made with the first change: a column that was loaded and is only read needs none. */
  #codes: { readonly texts: Map<string, number>; readonly lists: Map<string, number> } | null = null;
  #counts = new ColumnCounts();
  readonly #order = new TextOrder();
  /** Changes with every change; what is computed from the column is kept under it. */
  version = 0;

  static restore(state: ColumnState): Column {
    const column = new Column();
    column.#entries = [...state.entries];
    column.#order.restore(column.#entries);
    column.#counts = state.counts;
    if (state.rows === null) {
      column.#sparse = null;
      column.#kinds = state.kinds;
      column.#numbers = state.numbers;
    } else
      for (const [at, row] of state.rows.entries())
        column.#sparse?.set(row, { kind: (state.kinds[at] ?? KIND.missing) as Kind, number: state.numbers[at] ?? 0 });
    return column;
  }

  /**
   * What has to be saved. Entries that no row refers to any more are left out, and texts stand in their order.
   * @param rows rows of the table
   * @param room rows to save beyond them, so that a table that was loaded can grow before its columns are copied
   */
  save(rows: number, room: number): ColumnState {
    const { entries, recoded } = this.#order.compacted(this.#entries, (code) => this.#counts.ofCode(code) > 0);
    const counts = this.counts().recoded(recoded, entries.length);
    if (this.#sparse !== null) {
      const cells = [...this.#sparse].filter(([row]) => row < rows);
      const kinds = Uint8Array.from(cells, ([, cell]) => cell.kind);
      const numbers = Float64Array.from(cells, ([, { kind, number }]) => (kind >= KIND.text ? (recoded[number] ?? 0) : number));
      return { rows: Int32Array.from(cells, ([row]) => row), kinds, numbers, entries, counts };
    }
    const kinds = new Uint8Array(rows + room);
    kinds.set(this.#kinds.subarray(0, rows));
    const numbers = this.#numbers instanceof Int32Array ? new Int32Array(rows + room) : new Float64Array(rows + room);
    numbers.set(this.#numbers.subarray(0, rows));
    for (let row = 0; row < rows; row++) if ((kinds[row] ?? 0) >= KIND.text) numbers[row] = recoded[numbers[row] ?? 0] ?? 0;
    return { rows: null, kinds, numbers, entries, counts };
  }

  /** Rows that have a value. */
  get count(): number {
    return this.#counts.present;
  }

  /** Texts and lists by their codes, with those that no row has any more. */
  get entries(): readonly (string | List)[] {
    return this.#entries;
  }

  /** What the field index says of the column. */
  counts(): ColumnCounts {
    if (this.#counts.stale) {
      const cells = this.#sparse;
      if (cells !== null)
        this.#counts.recount(
          Uint8Array.from(cells.values(), (cell) => cell.kind),
          Float64Array.from(cells.values(), (cell) => cell.number),
        );
      else this.#counts.recount(this.#kinds, this.#numbers);
    }
    return this.#counts;
  }

  /** Place of each code in the order of texts (whatever the case, then by case). */
  textRanks(): Int32Array {
    return this.#order.ranks(this.#entries);
  }

  /** @param rows rows of the table, for the decision how to keep the column */
  set(row: number, value: Exclude<Value, undefined>, rows: number): void {
    const kind = kindOf(value);
    this.#put(row, kind, typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : this.#code(value), rows);
  }

  clear(row: number): void {
    const kind = this.kind(row);
    if (kind === KIND.missing) return;
    this.version++;
    this.#counts.remove(kind, this.number(row));
    if (this.#sparse !== null) this.#sparse.delete(row);
    else this.#kinds[row] = KIND.missing;
  }

  /** Takes over the value of another row, or its lack of one. */
  move(from: number, to: number): void {
    const [kind, number] = [this.kind(from), this.number(from)];
    if (kind === KIND.missing) this.clear(to);
    else this.#put(to, kind, number, to + 1);
    this.clear(from);
  }

  kind(row: number): Kind {
    if (this.#sparse !== null) return this.#sparse.get(row)?.kind ?? KIND.missing;
    return (this.#kinds[row] ?? KIND.missing) as Kind;
  }

  /** The number, 0 or 1 of a boolean, the code of a text or list: equal texts have equal codes. */
  number(row: number): number {
    return this.#sparse === null ? (this.#numbers[row] ?? 0) : (this.#sparse.get(row)?.number ?? 0);
  }

  value(row: number): Value {
    return this.meaning(this.kind(row), this.number(row));
  }

  /** The value that a kind and a number stand for. */
  meaning(kind: number, number: number): Value {
    switch (kind) {
      case KIND.missing:
        return undefined;
      case KIND.number:
        return number;
      case KIND.boolean:
        return number === 1;
      default:
        return this.#entries[number];
    }
  }

  /** @param rows rows of the table. Valid until the next change. */
  view(rows: number): DenseView {
    if (this.#sparse === null && this.#kinds.length >= rows) return { kinds: this.#kinds, numbers: this.#numbers };
    const kinds = new Uint8Array(rows);
    const numbers = new Float64Array(rows);
    if (this.#sparse === null) {
      kinds.set(this.#kinds);
      numbers.set(this.#numbers);
    } else
      for (const [row, cell] of this.#sparse) {
        kinds[row] = cell.kind;
        numbers[row] = cell.number;
      }
    return { kinds, numbers };
  }

  #put(row: number, kind: Kind, number: number, rows: number): void {
    const [kindBefore, before] = [this.kind(row), this.number(row)];
    if (kind === kindBefore && Object.is(number, before)) return;
    this.version++;
    if (kindBefore !== KIND.missing) this.#counts.remove(kindBefore, before);
    this.#counts.add(kind, number);
    if (this.#sparse !== null) {
      this.#sparse.set(row, { kind, number });
      if (this.#counts.present * DENSE_SHARE > rows) this.#densify();
      return;
    }
    if (row >= this.#kinds.length) this.#grow(row + 1);
    this.#kinds[row] = kind;
    this.#write(row, number);
  }

  #write(row: number, number: number): void {
    if (this.#numbers instanceof Int32Array && !Object.is(number | 0, number)) this.#numbers = Float64Array.from(this.#numbers);
    this.#numbers[row] = number;
  }

  #code(value: string | List): number {
    this.#codes ??= codesOf(this.#entries);
    const codes = typeof value === "string" ? this.#codes.texts : this.#codes.lists;
    const key = typeof value === "string" ? value : JSON.stringify(value);
    const known = codes.get(key);
    if (known !== undefined) return known;
    const code = this.#entries.push(value) - 1;
    codes.set(key, code);
    return code;
  }

  #densify(): void {
    const cells = this.#sparse ?? new Map<number, { kind: Kind; number: number }>();
    this.#sparse = null;
    let last = 0;
    for (const row of cells.keys()) last = Math.max(last, row);
    this.#grow(last + 1);
    for (const [row, { kind, number }] of cells) {
      this.#kinds[row] = kind;
      this.#write(row, number);
    }
  }

  #grow(needed: number): void {
    // Large columns by an eighth: there are hundreds of them.
    const length = this.#kinds.length;
    const size = Math.max(needed, Math.ceil(length * (length > 10_000 ? 1.125 : 1.5)), 64);
    const kinds = new Uint8Array(size);
    kinds.set(this.#kinds);
    this.#kinds = kinds;
    const numbers = this.#numbers instanceof Int32Array ? new Int32Array(size) : new Float64Array(size);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
  }
}

function codesOf(entries: readonly (string | List)[]): { texts: Map<string, number>; lists: Map<string, number> } {
  const texts = new Map<string, number>();
  const lists = new Map<string, number>();
  for (const [code, entry] of entries.entries())
    if (typeof entry === "string") texts.set(entry, code);
    else lists.set(JSON.stringify(entry), code);
  return { texts, lists };
}

function kindOf(value: Exclude<Value, undefined>): Kind {
  switch (typeof value) {
    case "number":
      return KIND.number;
    case "boolean":
      return KIND.boolean;
    case "string":
      return KIND.text;
    default:
      return KIND.list;
  }
}
