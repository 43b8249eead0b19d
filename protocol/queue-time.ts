/** What the history of the queue tells of time. Pure. */
import type { QueueHistoryEntry } from "./queue.ts";

/** Seconds from the start that the queue made, not the run's own, since one that went on had trained before; null while it lives, and when it was not started. */
export function ranSeconds({ left, left_at, ended_at }: Pick<QueueHistoryEntry, "left" | "left_at" | "ended_at">): number | null {
  return left === "started" && ended_at !== null ? (Date.parse(ended_at) - Date.parse(left_at)) / 1000 : null;
}
