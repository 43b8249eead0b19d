/** The queue: runs that wait for their turn, a few of which live at a time. What is kept of each run in it stands in its run.json. */
import * as z from "zod";
import { MOST_CONCURRENT, RUN_FOLDER_VERSION } from "./constants.ts";
import { RunId, Slug } from "./ids.ts";
import { Instant } from "./json.ts";
import { QueueStay, RunRecord } from "./run.ts";
import { RunState } from "./states.ts";

const Concurrency = z.number().int().min(1).max(MOST_CONCURRENT);

/** <store>/queue.json: how the queue goes. Who is in it says each run.json; without the file the queue goes one by one, oldest first. */
export const QueueFile = z.object({
  version: z.literal(RUN_FOLDER_VERSION),
  /** Runs of the queue that live at a time. */
  concurrency: Concurrency,
  /** Since when it starts nothing; null while it goes. */
  paused_at: Instant.nullable(),
  /** Does a run wait until the GPUs that its document names are free, or all of the machine where it names none? */
  wait_for_gpus: z.boolean().default(false),
  /** Runs in the order that people gave them. A waiting run that is not named comes after them, by the time it was queued. */
  order: z.array(RunId),
});
export type QueueFile = z.infer<typeof QueueFile>;

export const WaitingRun = RunRecord.pick({ id: true, name: true, project: true, recipe: true }).extend({
  /** From 1, which starts next. */
  position: z.number().int().positive(),
  queued_at: Instant,
  /** One sentence: why it has not started. */
  reason: z.string(),
});
export type WaitingRun = z.infer<typeof WaitingRun>;

export const Queue = z.object({
  concurrency: Concurrency,
  paused_at: Instant.nullable(),
  wait_for_gpus: z.boolean(),
  /** Runs that were started from the queue and live: each takes one of its places. */
  running: z.array(RunRecord.pick({ id: true, name: true, project: true, state: true, started_at: true })),
  /** In the order in which they will start. */
  waiting: z.array(WaitingRun),
});
export type Queue = z.infer<typeof Queue>;

export const ChangeQueue = z
  .object({ concurrency: Concurrency.optional(), paused: z.boolean().optional(), wait_for_gpus: z.boolean().optional() })
  .strict();
export type ChangeQueue = z.infer<typeof ChangeQueue>;

/** Where to: a position from 1 (beyond the end stands for the end), or beside another waiting run. */
export const MoveInQueue = z.union(
  [z.object({ position: z.number().int().min(1) }).strict(), z.object({ before: RunId }).strict(), z.object({ after: RunId }).strict()],
  "one of position (a whole number from 1), before or after (the id of a waiting run) is needed",
);
export type MoveInQueue = z.infer<typeof MoveInQueue>;

export const QueueHistoryQuery = z.object({
  project: Slug.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  offset: z.coerce.number().int().min(0).max(10_000_000).default(0),
});
export type QueueHistoryQuery = z.infer<typeof QueueHistoryQuery>;

/** A run that has left the queue: its newest stay in it (earlier ones are among its events), and what has become of it. */
export const QueueHistoryEntry = RunRecord.pick({ id: true, name: true, project: true, started_at: true, ended_at: true }).extend({
  ...QueueStay.shape,
  left_at: Instant,
  left: QueueStay.shape.left.unwrap(),
  waited_seconds: z.number().nonnegative(),
  /** Of the run, now. */
  state: RunState,
  state_reason: z.string().nullable(),
});
export type QueueHistoryEntry = z.infer<typeof QueueHistoryEntry>;

/** Who left last comes first. */
export const QueueHistory = z.object({ entries: z.array(QueueHistoryEntry), total: z.number().int().nonnegative() });
export type QueueHistory = z.infer<typeof QueueHistory>;
