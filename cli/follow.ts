/** Follows a run in the terminal until it ends: its log on stdout, its progress on one line of stderr. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../protocol/client.ts";
import { TrainyardError } from "../protocol/errors.ts";
import type { RunId } from "../protocol/ids.ts";
import type { RunDetail } from "../protocol/queries.ts";
import type { RunState } from "../protocol/states.ts";
import { FINAL_STATES, isWaiting } from "../protocol/state-kinds.ts";
import { formatMetric, formatProgress } from "./format.ts";
import type { FollowedLog } from "./followed-log.ts";
import type { Terminal } from "./terminal.ts";

const POLL_MS = 400;

export interface FollowOptions {
  readonly terminal: Terminal;
  /** What of the training's log goes to stdout; null for a line of progress instead. */
  readonly log: FollowedLog | null;
  /** Aborted = stop following; the run goes on. */
  readonly signal: AbortSignal;
  /** A client for the server of now: a server that was killed comes back under another address. */
  connect(): Promise<ApiClient>;
}

/** @returns the run as it ended, or as it is when no more of its log is to be written; null when following was given up */
export async function followRun(id: RunId, options: FollowOptions): Promise<RunDetail | null> {
  const { terminal, log, signal } = options;
  let client = await options.connect();
  let state: RunState | null = null;
  for (;;) {
    if (signal.aborted) return null;
    try {
      const run = await client.call("getRun", { params: { id } });
      const isOver = FINAL_STATES.has(run.state);
      if (run.attempt > 0) await log?.show(client, run, isOver);
      if (run.state !== state && (log === null || isWaiting(run)))
        terminal.note(`${run.name}: ${run.state}${run.state_reason === null ? "" : ` (${run.state_reason})`}`);
      state = run.state;
      if (isOver || log?.isComplete === true) return run;
      if (log === null)
        terminal.showStatus([run.name, formatProgress(run.progress), formatMetric(run)].filter((part) => part !== "").join(" · "));
    } catch (error) {
      if (!(error instanceof TrainyardError) || (error.code !== "unavailable" && error.code !== "unauthorized")) throw error;
      client = await options.connect();
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Follows until the end or the first Ctrl+C, which leaves the run alone and says how to come back to it. */
export async function followUntilInterrupted(id: RunId, options: Omit<FollowOptions, "signal">): Promise<RunDetail | null> {
  const abort = new AbortController();
  const onInterrupt = (): void => {
    abort.abort();
  };
  process.once("SIGINT", onInterrupt);
  try {
    const run = await followRun(id, { ...options, signal: abort.signal });
    if (run === null) options.terminal.note(`\nThe run goes on.  Follow it: trainyard logs -f ${id}   Stop it: trainyard cancel ${id}`);
    return run;
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}
