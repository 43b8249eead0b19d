/** The values of one field, by row: kinds and numbers in typed arrays, texts and lists in a dictionary beside them. */
import type { Value } from "../../protocol/expression/evaluate.ts";

export const KIND = { missing: 0, number: 1, boolean: 2, text: 3, list: 4 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];
type List = readonly (number | string | boolean)[];

/** A column is kept as a map until every such-manieth row has a value: thousands of rare fields must not cost rows × fields. */
const DENSE_SHARE = 8;

export class Column {
  #kinds = new Uint8Array();
  #numbers = new Float64Array();
  /** null once the column is dense. */
  #sparse: Map<number, { kind: Kind; number: number }> | null = new Map();
  readonly #entries: (string | List)[] = [];
  readonly #codes = new Map<string, number>();
  #count = 0;
  /** Changes with every change; what is computed from the column is kept under it. */
  version = 0;

  /** Rows that have a value. */
  get count(): number {
    return this.#count;
  }

  /** @param rows rows of the table, for the decision how to keep the column */
  set(row: number, value: Exclude<Value, undefined>, rows: number): void {
    const kind = kindOf(value);
    const number = typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : this.#code(value);
    this.version++;
    if (this.kind(row) === KIND.missing) this.#count++;
    if (this.#sparse !== null) {
      this.#sparse.set(row, { kind, number });
      if (this.#count * DENSE_SHARE > rows) this.#densify();
      return;
    }
    if (row >= this.#kinds.length) this.#grow(row + 1);
    this.#kinds[row] = kind;
    this.#numbers[row] = number;
  }

  clear(row: number): void {
    if (this.kind(row) === KIND.missing) return;
    this.version++;
    this.#count--;
    if (this.#sparse !== null) this.#sparse.delete(row);
    else this.#kinds[row] = KIND.missing;
  }

  /** Takes over the value of another row, or its lack of one. */
  move(from: number, to: number): void {
    const value = this.value(from);
    if (value === undefined) this.clear(to);
    else this.set(to, value, to + 1);
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
    switch (this.kind(row)) {
      case KIND.missing:
        return undefined;
      case KIND.number:
        return this.number(row);
      case KIND.boolean:
        return this.number(row) === 1;
      case KIND.text:
      case KIND.list:
        return this.#entries[this.number(row)];
    }
  }

  #code(value: string | List): number {
    // The two cannot meet: a text starts with a quote, a list with a bracket.
    const key = JSON.stringify(value);
    const known = this.#codes.get(key);
    if (known !== undefined) return known;
    const code = this.#entries.push(value) - 1;
    this.#codes.set(key, code);
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
      this.#numbers[row] = number;
    }
  }

  #grow(needed: number): void {
    const size = Math.max(needed, Math.ceil(this.#kinds.length * 1.5), 64);
    const kinds = new Uint8Array(size);
    kinds.set(this.#kinds);
    this.#kinds = kinds;
    const numbers = new Float64Array(size);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
  }
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
