/** Rows in the order of several keys, of which only a page is asked for. */
import type { Column } from "./column.ts";
import { KIND } from "./column.ts";
import type { RunTable } from "./table.ts";

export type RowOrder = (a: number, b: number) => number;

/**
 * Numbers first (booleans count as 0 and 1), then NaN, then texts and lists whatever their case, then rows without a value, in both directions.
 * Ids make the order total; they sort by creation.
 * @param keys field names, a leading "-" sorts downwards
 */
export function rowOrder(table: RunTable, keys: readonly string[]): RowOrder {
  const comparators = keys.map((key) => {
    const down = key.startsWith("-");
    const column = table.column(down ? key.slice(1) : key);
    return column === undefined ? () => 0 : byColumn(column, down);
  });
  const lastDown = keys[0]?.startsWith("-") ?? false;
  return (a, b) => {
    for (const compare of comparators) {
      const order = compare(a, b);
      if (order !== 0) return order;
    }
    const order = table.id(a) < table.id(b) ? -1 : 1;
    return a === b ? 0 : lastDown ? -order : order;
  };
}

/** `limit` rows from the `offset`-th on, in order, without putting all of them in order when few are asked for. */
export function pageOf(rows: Int32Array, order: RowOrder, offset: number, limit: number): number[] {
  const wanted = offset + limit;
  if (wanted * 8 >= rows.length) return Array.from(rows).sort(order).slice(offset, wanted);
  // A heap of the best so far, the worst of them on top.
  const heap: number[] = [];
  for (const row of rows) {
    if (heap.length < wanted) {
      heap.push(row);
      siftUp(heap, order);
    } else if (order(row, heap[0] ?? row) < 0) {
      heap[0] = row;
      siftDown(heap, order);
    }
  }
  return heap.sort(order).slice(offset);
}

function byColumn(column: Column, down: boolean): RowOrder {
  const sign = down ? -1 : 1;
  return (a, b) => {
    const [classA, classB] = [classOf(column, a), classOf(column, b)];
    if (classA !== classB) return classA - classB;
    if (classA === 0) return sign * (column.number(a) - column.number(b) || 0);
    return classA === 2 ? sign * compareTexts(shown(column, a), shown(column, b)) : 0;
  };
}

function classOf(column: Column, row: number): number {
  switch (column.kind(row)) {
    case KIND.number:
      return Number.isNaN(column.number(row)) ? 1 : 0;
    case KIND.boolean:
      return 0;
    case KIND.text:
    case KIND.list:
      return 2;
    case KIND.missing:
      return 3;
  }
}

function shown(column: Column, row: number): string {
  const value = column.value(row);
  return typeof value === "string" ? value : JSON.stringify(value);
}

function compareTexts(a: string, b: string): number {
  const [foldedA, foldedB] = [a.toLowerCase(), b.toLowerCase()];
  if (foldedA !== foldedB) return foldedA < foldedB ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function siftUp(heap: number[], order: RowOrder): void {
  for (let at = heap.length - 1; at > 0;) {
    const above = (at - 1) >> 1;
    if (order(heap[at] ?? 0, heap[above] ?? 0) <= 0) return;
    swap(heap, at, above);
    at = above;
  }
}

function siftDown(heap: number[], order: RowOrder): void {
  for (let at = 0; ;) {
    const left = 2 * at + 1;
    if (left >= heap.length) return;
    const right = left + 1;
    const child = right < heap.length && order(heap[right] ?? 0, heap[left] ?? 0) > 0 ? right : left;
    if (order(heap[child] ?? 0, heap[at] ?? 0) <= 0) return;
    swap(heap, at, child);
    at = child;
  }
}

function swap(heap: number[], a: number, b: number): void {
  [heap[a], heap[b]] = [heap[b] ?? 0, heap[a] ?? 0];
}
