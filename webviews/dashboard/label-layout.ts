/** Places labels along a line so that none overlaps another or leaves the line. Pure. */

export interface LineLabel {
  readonly text: string;
  /** Where on the line it belongs, 0–1. */
  readonly at: number;
  /** The part of the label that stands there: 0 its left end, 0.5 its middle, 1 its right end. */
  readonly anchor: 0 | 0.5 | 1;
}

export interface PlacedLabel {
  readonly text: string;
  /** Left end in pixels. */
  readonly left: number;
}

const GAP_PX = 10;

/**
 * Earlier labels go first. A later one that would overlap moves aside by up to its own width; where that does not help it is left
 * out.
 * @param width of the line in pixels
 * @param measure width of a text in pixels
 */
export function placeLabels(labels: readonly LineLabel[], width: number, measure: (text: string) => number): PlacedLabel[] {
  const placed: (PlacedLabel & { readonly right: number })[] = [];
  for (const { text, at, anchor } of labels) {
    const size = measure(text);
    const wanted = at * width - anchor * size;
    const candidates = [wanted, ...placed.flatMap((other) => [other.left - GAP_PX - size, other.right + GAP_PX])]
      .map((left) => (left === wanted ? Math.min(width - size, Math.max(0, left)) : left))
      .filter((left) => left >= 0 && left + size <= width && Math.abs(left - wanted) <= size + GAP_PX)
      .filter((left) => placed.every((other) => left >= other.right + GAP_PX || left + size <= other.left - GAP_PX))
      .sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted));
    const left = candidates[0];
    if (left !== undefined) placed.push({ text, left, right: left + size });
  }
  return placed.map(({ text, left }) => ({ text, left }));
}
