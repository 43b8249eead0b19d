/** Routes of the queue. A run joins it when it is made (`queue: true`), or as a draft. */
import * as q from "./queries.ts";
import * as queue from "./queue.ts";
import { common, oneRun, route } from "./route.ts";

export const queueRoutes = {
  getQueue: route({
    ...common,
    method: "GET",
    path: "/api/queue",
    summary: "The queue: its limit, the runs of it that live, and those that wait, in their order and why",
    response: queue.Queue,
    errors: ["corrupt_record"],
  }),
  changeQueue: route({
    ...common,
    method: "PATCH",
    path: "/api/queue",
    summary: "How many runs of the queue live at a time, and whether they wait for free GPUs; pause it, or let it go on",
    body: queue.ChangeQueue,
    response: queue.Queue,
    errors: ["bad_request", "corrupt_record", "disk_full", "store_unwritable"],
  }),
  getQueueHistory: route({
    ...common,
    method: "GET",
    path: "/api/queue/history",
    summary: "Runs that have left the queue: when they were queued and started, how long they waited, how they ended",
    query: queue.QueueHistoryQuery,
    response: queue.QueueHistory,
    errors: [],
  }),
  enqueueRun: route({
    ...oneRun,
    method: "POST",
    path: "/api/runs/:id/enqueue",
    summary: "Put a draft at the end of the queue",
    response: q.RunDetail,
    status: 202,
    errors: ["not_found", "conflict", "invalid_spec", "python_unusable", "missing_file", "bad_dataset", "other_store"],
  }),
  moveInQueue: route({
    ...oneRun,
    method: "POST",
    path: "/api/runs/:id/queue-place",
    summary: "Move a waiting run to a position in the queue, or before or after another run",
    body: queue.MoveInQueue,
    response: queue.Queue,
    errors: ["not_found", "conflict", "bad_request", "corrupt_record", "other_store"],
  }),
  dequeueRun: route({
    ...oneRun,
    method: "POST",
    path: "/api/runs/:id/dequeue",
    summary: "Take a waiting run out of the queue: it is a draft again, or ended as it was before it was to go on",
    response: q.RunDetail,
    errors: ["not_found", "conflict", "other_store"],
  }),
} as const;
