/** How the value of a cell is kept in a column. */

export const KIND = { missing: 0, number: 1, boolean: 2, text: 3, list: 4 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];
export type List = readonly (number | string | boolean)[];
/** Whole numbers, codes and booleans need half of the room; the first value that does not fit widens the column. */
export type Numbers = Int32Array | Float64Array;

/** Of every row of the table: its kind, and its number as `Column.number` tells it (0 where it is missing). */
export interface DenseView {
  readonly kinds: Uint8Array;
  readonly numbers: Numbers;
}
