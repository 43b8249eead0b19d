/** Where the lines of a range of time lie in a log. */
import { timesOf, type AskLog } from "../../protocol/log-times.ts";
import type { TimeRange } from "../../protocol/time-range.ts";
import type { LogStretch } from "./log-source.ts";

/** When a line was written is known so long after it at the latest. */
const WRITTEN_MS = 2000;

export interface FoundRange {
  readonly stretch: LogStretch;
  /** Lines in it; null while more may come. */
  readonly total: number | null;
  /** In so many ms the range is over and has to be looked for again; null: it has no end, or is over. */
  readonly overIn: number | null;
}

/**
 * One whose end is still to come goes on until then.
 * @param live more output may come
 * @throws TrainyardError
 */
export async function findRange(ask: AskLog, range: TimeRange, live: boolean): Promise<FoundRange> {
  const { stretch, total } = await ask({ page_size: 1, ...timesOf(range) });
  const overIn = range.end === null ? null : range.end + WRITTEN_MS - Date.now();
  if (live && (overIn === null || overIn > 0))
    return { stretch: { start: stretch.start, end: null, size: stretch.end }, total: null, overIn };
  return { stretch: { ...stretch, size: stretch.end }, total, overIn: null };
}
