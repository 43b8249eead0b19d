/** How wide each chart stands, so that every row is full and the losses get the room. Pure. */
import { isEvaluationLoss, isTrainingLoss } from "./metrics.ts";

/** The grid has six columns: halves and thirds both come out even. */
export const GRID_COLUMNS = 6;

export interface ChartPlace {
  /** Columns of six. */
  readonly span: number;
  /** A chart of the first row stands higher. */
  readonly lead: boolean;
}

/** @param perRow charts beside each other: 1, 2 or 3 */
export function placeCharts(names: readonly string[], perRow: 1 | 2 | 3): ChartPlace[] {
  const [first, second] = names;
  if (first === undefined) return [];
  const places: ChartPlace[] = [];
  if (isTrainingLoss(first)) {
    if (second !== undefined && isEvaluationLoss(second) && perRow > 1) {
      const wide = perRow === 3 && names.length > 2 ? 4 : 3;
      places.push({ span: wide, lead: true }, { span: GRID_COLUMNS - wide, lead: true });
    } else {
      places.push({ span: GRID_COLUMNS, lead: true });
    }
  }
  for (const span of evenRows(names.length - places.length, perRow)) places.push({ span, lead: names.length <= 2 });
  return places;
}

/** Spans of `count` charts in rows of at most `perRow`; no row is left with a hole, and a last chart alone is avoided where it can be. */
function evenRows(count: number, perRow: 1 | 2 | 3): number[] {
  const spans: number[] = [];
  let left = count;
  while (left > 0) {
    const row = perRow === 3 && left === 4 ? 2 : Math.min(perRow, left);
    for (let i = 0; i < row; i++) spans.push(GRID_COLUMNS / row);
    left -= row;
  }
  return spans;
}
