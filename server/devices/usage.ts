/** What the process groups of live runs use, from one look at the process table for all of them. */
import type { RunId } from "../../protocol/ids.ts";
import type { RunUsage } from "../../protocol/system.ts";
import { hasEnded, type ProcessInfo } from "../launch/platform.ts";

interface Reading {
  readonly time: number;
  /** Processor seconds used so far, per process: one that ends takes its own share out of the sum, not that of the others. */
  readonly cpuSeconds: ReadonlyMap<number, number>;
}

export class UsageMeter {
  readonly #last = new Map<RunId, Reading>();

  /**
   * @param live run → pid of the leader of its session and process group
   * @param processes the process table
   * @param time of the table, ms
   */
  measure(live: ReadonlyMap<RunId, { readonly pid: number }>, processes: readonly ProcessInfo[], time: number): Map<RunId, RunUsage> {
    const usages = new Map<RunId, RunUsage>();
    for (const run of this.#last.keys()) if (!live.has(run)) this.#last.delete(run);
    for (const [run, { pid }] of live) {
      const members = processes.filter((info) => (info.session === pid || info.group === pid) && !hasEnded(info));
      const cpuSeconds = new Map(members.map((info) => [info.pid, info.cpuSeconds]));
      usages.set(run, {
        time,
        cpu_percent: percent(this.#last.get(run), cpuSeconds, time),
        rss_bytes: members.length === 0 ? null : members.reduce((sum, info) => sum + info.rssBytes, 0),
        processes: members.length,
      });
      this.#last.set(run, { time, cpuSeconds });
    }
    return usages;
  }
}

/** Percent of one core; null at the first reading. */
function percent(last: Reading | undefined, cpuSeconds: ReadonlyMap<number, number>, time: number): number | null {
  if (last === undefined || time <= last.time) return null;
  let used = 0;
  for (const [pid, seconds] of cpuSeconds) used += Math.max(0, seconds - (last.cpuSeconds.get(pid) ?? 0));
  return Math.round((1000 * used) / ((time - last.time) / 1000)) / 10;
}
