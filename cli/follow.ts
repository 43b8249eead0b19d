/** Follows a run in the terminal until it ends: its log on stdout, its progress on one line of stderr. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../protocol/client.ts";
import { TrainyardError } from "../protocol/errors.ts";
import type { RunId } from "../protocol/ids.ts";
import type { RunDetail } from "../protocol/queries.ts";
import type { RunState } from "../protocol/states.ts";
import { FINAL_STATES, isWaiting } from "../protocol/state-kinds.ts";
import { formatMetric, formatProgress } from "./format.ts";
import type { Terminal } from "./terminal.ts";

const POLL_MS = 400;
const LOG_CHUNK_BYTES = 1_048_576;

export interface FollowOptions {
  readonly terminal: Terminal;
  /** Write the training's log to stdout. */
  readonly log: boolean;
  /** Log bytes of the newest attempt that were shown already. */
  readonly logOffset?: number;
  /** Aborted = stop following; the run goes on. */
  readonly signal: AbortSignal;
  /** A client for the server of now: a server that was killed comes back under another address. */
  connect(): Promise<ApiClient>;
}

/** @returns the run as it ended, or null when following was given up */
export async function followRun(id: RunId, options: FollowOptions): Promise<RunDetail | null> {
  const { terminal, signal } = options;
  let client = await options.connect();
  let offset = options.logOffset ?? 0;
  let attempt: number | null = null;
  let state: RunState | null = null;
  for (;;) {
    if (signal.aborted) return null;
    try {
      const run = await client.call("getRun", { params: { id } });
      if (attempt !== null && run.attempt !== attempt) offset = 0;
      attempt = run.attempt;
      if (options.log && attempt > 0) offset = await copyLog(client, id, attempt, offset, terminal);
      if (run.state !== state && (!options.log || isWaiting(run)))
        terminal.note(`${run.name}: ${run.state}${run.state_reason === null ? "" : ` (${run.state_reason})`}`);
      state = run.state;
      if (FINAL_STATES.has(state)) {
        // The log may have grown between the two answers.
        if (options.log && attempt > 0) await copyLog(client, id, attempt, offset, terminal);
        return run;
      }
      if (!options.log)
        terminal.showStatus([run.name, formatProgress(run.progress), formatMetric(run)].filter((part) => part !== "").join(" · "));
    } catch (error) {
      if (!(error instanceof TrainyardError) || (error.code !== "unavailable" && error.code !== "unauthorized")) throw error;
      client = await options.connect();
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Writes what the log has beyond `offset`. @returns the new offset in bytes */
async function copyLog(client: ApiClient, id: RunId, attempt: number, offset: number, terminal: Terminal): Promise<number> {
  for (let at = offset; ;) {
    const bytes = await client.bytes("getRawLog", { params: { id }, query: { attempt, offset: at, length: LOG_CHUNK_BYTES } });
    if (bytes.length > 0) terminal.passThrough(bytes);
    at += bytes.length;
    if (bytes.length < LOG_CHUNK_BYTES) return at;
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
