/** Widening an order by a few: what stood in order stays, and each new one is put into its place. */

/**
 * Each new one is put in by halving; the stretches between them are copied.
 * @param sorted in order
 * @param added in order too
 */
export function merged(sorted: Int32Array, added: readonly number[], compare: (a: number, b: number) => number): Int32Array {
  const all = new Int32Array(sorted.length + added.length);
  let from = 0;
  for (const [place, one] of added.entries()) {
    let [low, high] = [from, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(sorted[middle] ?? 0, one) < 0) low = middle + 1;
      else high = middle;
    }
    all.set(sorted.subarray(from, low), from + place);
    all[low + place] = one;
    from = low;
  }
  all.set(sorted.subarray(from), from + added.length);
  return all;
}
