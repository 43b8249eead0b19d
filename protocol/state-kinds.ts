/** Which states are of runs that live, and which are final; apart from their schema, so that the extension is activated without loading one. */
import type { QueueStay } from "./run.ts";
import type { RunState } from "./states.ts";

export const LIVE_STATES: ReadonlySet<RunState> = new Set(["starting", "running", "stopping"]);
export const FINAL_STATES: ReadonlySet<RunState> = new Set(["completed", "failed", "cancelled", "interrupted"]);

interface WithQueue {
  readonly state: RunState;
  readonly queue?: Pick<QueueStay, "left_at"> | undefined;
}

/** Does it wait for its turn in the queue? A queued run that does not is started at once. */
export function isWaiting({ state, queue }: WithQueue): boolean {
  return state === "queued" && queue?.left_at === null;
}
