/** When an attempt's output was written, and which stretch of it a range of time is. */
import type { LogPage } from "./queries.ts";
import type { OutputTimes, TimeRange } from "./time-range.ts";

/** One line of the log of an attempt, by its page; and what lies in a range of time. */
export type AskLog = (query: { page?: number; page_size: 1; start_time?: string; end_time?: string }) => Promise<LogPage>;

/** What a range of time is made of that is written by hand. @param live more output may come */
export async function outputTimes(ask: AskLog, live: boolean): Promise<OutputTimes> {
  const { lines, total } = await ask({ page_size: 1 });
  const newest = live || total < 2 ? lines : (await ask({ page: total, page_size: 1 })).lines;
  return { now: Date.now(), first: lines[0]?.time ?? null, last: live ? null : (newest[0]?.time ?? null) };
}

/** A range as the query of a log has it. */
export function timesOf({ start, end }: TimeRange): { start_time?: string; end_time?: string } {
  return {
    ...(start === null ? {} : { start_time: new Date(start).toISOString() }),
    ...(end === null ? {} : { end_time: new Date(end).toISOString() }),
  };
}
