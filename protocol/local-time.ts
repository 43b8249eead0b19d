/**
 * When something was, in the zone of whoever looks: `2026-11-21 17:59:48`. Alike in every locale and on the 24 hours that the pages
 * count, and as a range of time is typed.
 * @param instant ISO 8601, or ms since the epoch
 */
export function localTime(instant: string | number): string {
  return new Date(instant).toLocaleString("sv-SE");
}
