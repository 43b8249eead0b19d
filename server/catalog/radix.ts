/** Putting rows in order by a number each, stably, without comparing: four passes over the bits of the doubles. */

const DIGITS = 65_536;

/**
 * The rows in ascending order of their keys; rows with equal keys keep their order. NaN must not occur.
 * @param rows row numbers, in any order
 * @param keys by row
 */
export function sortByKeys(rows: Int32Array, keys: Float64Array): Int32Array {
  const count = rows.length;
  if (count < 512) return rows.slice().sort(byKey(rows, keys));
  const high = new Uint32Array(count);
  const low = new Uint32Array(count);
  const bits = new Uint32Array(2);
  const double = new Float64Array(bits.buffer);
  for (let i = 0; i < count; i++) {
    double[0] = (keys[rows[i] ?? 0] ?? 0) + 0; // −0 is 0
    const [lowBits, highBits] = [bits[0] ?? 0, bits[1] ?? 0];
    // As unsigned numbers these bits are in the order of the doubles: all of a negative one are turned round, of others the sign.
    const negative = highBits >>> 31 === 1;
    high[i] = negative ? ~highBits : highBits | 0x8000_0000;
    low[i] = negative ? ~lowBits : lowBits;
  }
  let order = Uint32Array.from({ length: count }, (_, i) => i);
  let spare = new Uint32Array(count);
  for (const [words, shift] of [
    [low, 0],
    [low, 16],
    [high, 0],
    [high, 16],
  ] as const) {
    const starts = new Uint32Array(DIGITS);
    for (let i = 0; i < count; i++) {
      const digit = ((words[i] ?? 0) >>> shift) & 0xffff;
      starts[digit] = (starts[digit] ?? 0) + 1;
    }
    // Whole and small numbers have most of their digits in common.
    if (starts[((words[0] ?? 0) >>> shift) & 0xffff] === count) continue;
    let sum = 0;
    for (let digit = 0; digit < DIGITS; digit++) {
      const some = starts[digit] ?? 0;
      starts[digit] = sum;
      sum += some;
    }
    for (let i = 0; i < count; i++) {
      const at = order[i] ?? 0;
      const digit = ((words[at] ?? 0) >>> shift) & 0xffff;
      const place = starts[digit] ?? 0;
      starts[digit] = place + 1;
      spare[place] = at;
    }
    [order, spare] = [spare, order];
  }
  const sorted = new Int32Array(count);
  for (let i = 0; i < count; i++) sorted[i] = rows[order[i] ?? 0] ?? 0;
  return sorted;
}

/** For few rows, where counting digits costs more than comparing. */
function byKey(rows: Int32Array, keys: Float64Array): (a: number, b: number) => number {
  const places = new Map<number, number>();
  for (const [place, row] of rows.entries()) places.set(row, place);
  return (a, b) => {
    const [keyA, keyB] = [keys[a] ?? 0, keys[b] ?? 0];
    return keyA < keyB ? -1 : keyA > keyB ? 1 : (places.get(a) ?? 0) - (places.get(b) ?? 0);
  };
}
