/** Who has left the queue, newest first. */
import type { QueueHistory, QueueHistoryEntry, QueueHistoryQuery } from "../../protocol/queue.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { Ledger } from "./ledger.ts";

export function queueHistory(ledger: Ledger, { project, limit, offset }: QueueHistoryQuery): QueueHistory {
  const left = [...ledger.entries()].flatMap((entry) => {
    const at = entry.leftQueueAt;
    return at === null || (project !== undefined && entry.project !== project) ? [] : [{ entry, at }];
  });
  left.sort((a, b) => (a.at === b.at ? (a.entry.id < b.entry.id ? 1 : -1) : a.at < b.at ? 1 : -1));
  const page = left.slice(offset, offset + limit).flatMap(({ entry }) => historyEntry(entry.summary()) ?? []);
  return { entries: page, total: left.length };
}

function historyEntry({ id, name, project, started_at, ended_at, state, state_reason, queue }: RunSummary): QueueHistoryEntry | null {
  if (queue?.left_at == null || queue.left === null) return null;
  const { queued_at, left_at, left, attempt } = queue;
  // A clock that was set back has made nobody wait less than not at all.
  const waited_seconds = Math.max(0, (Date.parse(left_at) - Date.parse(queued_at)) / 1000);
  return { id, name, project, queued_at, left_at, left, attempt, waited_seconds, started_at, ended_at, state, state_reason };
}
