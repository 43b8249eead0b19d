/** What run.json says of a run's place in the queue. */
import type { QueuedResume, QueueStay, RunRecord } from "../../protocol/run.ts";
import { isWaiting, LIVE_STATES } from "../../protocol/state-kinds.ts";

type Stayed = Pick<RunRecord, "state" | "queue" | "attempt">;

/** The state_reason of a run that waits, for whoever reads run.json alone. */
export const QUEUED_REASON = "It waits in the queue.";

/** Of a run that joins the queue. @param resume of one that had ended */
export function newStay(resume?: QueuedResume): QueueStay {
  return { queued_at: new Date().toISOString(), left_at: null, left: null, attempt: null, ...(resume !== undefined && { resume }) };
}

/** Of a run that waits to go on; null for any other. */
export function queuedResume(record: Pick<RunRecord, "state" | "queue">): QueuedResume | null {
  return isWaiting(record) ? (record.queue?.resume ?? null) : null;
}

/** Was it started from the queue, and does it live? One that was continued later on its own takes no place. */
export function takesPlace({ state, queue, attempt }: Stayed): boolean {
  return LIVE_STATES.has(state) && queue?.attempt === attempt;
}

/** The change of run.json with which a waiting run leaves; none for a run that does not wait. */
export function leaving(record: Stayed, left: NonNullable<QueueStay["left"]>): Pick<RunRecord, "queue"> {
  if (record.queue === undefined || !isWaiting(record)) return {};
  return { queue: { ...record.queue, left_at: new Date().toISOString(), left } };
}

/** The same for one that is started as this attempt, be it that somebody took it out of its turn before. */
export function startingAs(record: Stayed, attempt: number): Pick<RunRecord, "queue"> {
  const queue = leaving(record, "started").queue ?? record.queue;
  return queue?.left === "started" && queue.attempt === null ? { queue: { ...queue, attempt } } : {};
}
