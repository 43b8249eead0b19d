/** The smallest stretch of a text that an edit replaced. Pure. */

export interface TextChange {
  /** Half-open range of characters of the text before. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export function changedRange(before: string, after: string): TextChange | null {
  if (before === after) return null;
  const least = Math.min(before.length, after.length);
  let start = 0;
  while (start < least && before[start] === after[start]) start++;
  let end = 0;
  while (end < least - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  return { start, end: before.length - end, text: after.slice(start, after.length - end) };
}
