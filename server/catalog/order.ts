/** Rows in the order of several keys. An order is made for the whole table and kept until one of its columns changes; a page is read off it. */
import { KIND } from "./cell-kinds.ts";
import type { Column } from "./column.ts";
import { sortByKeys } from "./radix.ts";

export interface SortedTable {
  readonly size: number;
  /** Changes when rows come, go or move. */
  readonly rowsVersion: number;
  /** All rows in the order of their ids. */
  byId(): Int32Array;
  column(field: string): Column | undefined;
}

/** Orders that are kept: 400 KB each at a hundred thousand runs. */
const MOST_KEPT = 12;

const NAN = 1;
const TEXT = 2;
const MISSING = 3;

export class RowOrders {
  readonly #table: SortedTable;
  /** By keys; the one that was asked for last stands last. */
  readonly #kept = new Map<string, { stamp: string; rows: Int32Array }>();

  constructor(table: SortedTable) {
    this.#table = table;
  }

  /**
   * All rows of the table. Numbers first (booleans count as 0 and 1, and stand after those), then NaN, then texts and lists whatever their case, then rows without a
   * value, in both directions. Ids make the order total; they sort by creation.
   * @param keys field names, a leading "-" sorts downwards
   */
  rows(keys: readonly string[]): Int32Array {
    const rows = this.kept(keys) ?? this.#make(keys);
    const name = JSON.stringify(keys);
    this.#kept.delete(name);
    this.#kept.set(name, { stamp: this.#stamp(keys), rows });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return rows;
  }

  /** The same where it was made for somebody else and still holds; null otherwise. */
  kept(keys: readonly string[]): Int32Array | null {
    const known = this.#kept.get(JSON.stringify(keys));
    return known?.stamp === this.#stamp(keys) ? known.rows : null;
  }

  #stamp(keys: readonly string[]): string {
    return [this.#table.rowsVersion, ...keys.map((key) => this.#table.column(fieldOf(key))?.version ?? -1)].join(" ");
  }

  /** `limit` selected rows from the `offset`-th on, in order. */
  page({ mask }: { readonly mask: Uint8Array }, keys: readonly string[], offset: number, limit: number): number[] {
    const page: number[] = [];
    let skipped = 0;
    for (const row of this.rows(keys)) {
      if (mask[row] === 0) continue;
      if (skipped++ < offset) continue;
      page.push(row);
      if (page.length >= limit) break;
    }
    return page;
  }

  #make(keys: readonly string[]): Int32Array {
    const rows = this.#table.byId();
    return this.sorted(keys[0]?.startsWith("-") === true ? rows.toReversed() : rows, keys);
  }

  /** Some rows in the order of the keys; those with equal values keep theirs. Not kept. */
  sorted(rows: Int32Array, keys: readonly string[]): Int32Array {
    const { size } = this.#table;
    // The least important key first: each pass leaves equal rows as the ones before put them.
    for (const key of [...keys].reverse()) {
      const column = this.#table.column(fieldOf(key));
      if (column === undefined) continue;
      const sign = key.startsWith("-") ? -1 : 1;
      const { kinds, numbers } = column.view(size);
      const ranks = column.textRanks();
      const values = new Float64Array(size);
      const classes = new Uint8Array(size);
      const truths = new Float64Array(size);
      const met = { number: false, truth: false };
      for (const row of rows) {
        const kind = kinds[row] ?? KIND.missing;
        const number = numbers[row] ?? 0;
        if (kind === KIND.missing) classes[row] = MISSING;
        else if (kind >= KIND.text) {
          classes[row] = TEXT;
          values[row] = sign * (ranks[number] ?? 0);
        } else if (Number.isNaN(number)) classes[row] = NAN;
        else {
          values[row] = sign * number;
          const truth = kind === KIND.boolean;
          truths[row] = truth ? sign : 0;
          met[truth ? "truth" : "number"] = true;
        }
      }
      // Equal values stand together: true is not between two ones.
      if (met.truth && met.number) rows = sortByKeys(rows, truths);
      rows = byClass(sortByKeys(rows, values), classes);
    }
    return rows;
  }
}

function fieldOf(key: string): string {
  return key.startsWith("-") ? key.slice(1) : key;
}

/** Stably, by the few classes of values. */
function byClass(rows: Int32Array, classes: Uint8Array): Int32Array {
  const starts = [0, 0, 0, 0, 0];
  for (const row of rows) starts[(classes[row] ?? 0) + 1] = (starts[(classes[row] ?? 0) + 1] ?? 0) + 1;
  for (let place = 1; place < starts.length; place++) starts[place] = (starts[place] ?? 0) + (starts[place - 1] ?? 0);
  const sorted = new Int32Array(rows.length);
  for (const row of rows) {
    const place = starts[classes[row] ?? 0] ?? 0;
    starts[classes[row] ?? 0] = place + 1;
    sorted[place] = row;
  }
  return sorted;
}
