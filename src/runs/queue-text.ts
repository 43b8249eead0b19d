/** The queue in words. Pure. */
import type { Queue, QueueHistoryEntry, WaitingRun } from "../../protocol/queue.ts";
import { ranSeconds } from "../../protocol/queue-time.ts";
import { formatDuration } from "./format.ts";

/** `2 waiting · 1 of 1 running`, `paused · 2 waiting` */
export function queueDescription({ concurrency, paused_at, wait_for_gpus, running, waiting }: Queue): string {
  const parts = [
    `${String(waiting.length)} waiting`,
    `${String(running.length)} of ${String(concurrency)} running`,
    ...(wait_for_gpus ? ["for free GPUs"] : []),
  ];
  return (paused_at === null ? parts : ["paused", ...parts]).join(" · ");
}

/** Is there a row for it in the tree? A queue that nobody uses takes no room. */
export function isShown(queue: Queue | null): queue is Queue {
  return queue !== null && (queue.waiting.length > 0 || queue.running.length > 0);
}

/** `#2 · Behind 1 other run` */
export function placeText({ position, reason }: Pick<WaitingRun, "position" | "reason">): string {
  return `#${String(position)} · ${reason.replace(/\.$/, "")}`;
}

/** `completed · waited 3 min 10 s · ran 2 h 05 min` */
export function historyText(entry: QueueHistoryEntry): string {
  const { left, state, waited_seconds } = entry;
  const ran = ranSeconds(entry);
  const outcome = { started: state, removed: "taken out", cancelled: "stopped while it waited", failed: "could not start" }[left];
  return [outcome, `waited ${formatDuration(waited_seconds)}`, ...(ran === null ? [] : [`ran ${formatDuration(ran)}`])].join(" · ");
}
