/** Lists of buttons: Up and Down go from row to row, Enter and Space are the button's own. */

/**
 * Moves the focus from the row that the event met to the one above or below it; other keys are left alone.
 * @param rows in the order in which they are shown
 * @returns the place of the row that has the focus now; null when the key was another or there are no rows
 */
export function moveRowFocus(event: KeyboardEvent, rows: readonly HTMLElement[]): number | null {
  const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (by === 0) return null;
  event.preventDefault();
  const next = Math.min(rows.length - 1, Math.max(0, rows.indexOf(event.target as HTMLElement) + by));
  rows[next]?.focus();
  return rows[next] === undefined ? null : next;
}
