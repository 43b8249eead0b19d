/**
 * The WebSocket at /api/stream. Subprotocol `trainyard.v1`; the token comes as a second subprotocol, `bearer.<token>`.
 * Small messages are JSON text; series come as binary frames (protocol/frames.ts).
 *
 * A client subscribes with the cursor it has; the server sends what is new since then and goes on. After a reconnect the client
 * subscribes again with its newest cursor: no gap, no duplicate. A slow client gets larger, rarer frames, never a longer queue.
 */
import * as z from "zod";
import { Checkpoint } from "./artifact.ts";
import { ErrorCode } from "./errors.ts";
import { RunEvent } from "./events.ts";
import { RunId } from "./ids.ts";
import { Notice } from "./notices.ts";
import { SeriesCursor } from "./queries.ts";
import { Queue } from "./queue.ts";
import { RunSummary } from "./run.ts";
import { LineFields, RunLine } from "./run-line.ts";
import { SmoothingWeight } from "./smoothing.ts";
import { RunUsage, SystemSample } from "./system.ts";

export { WS_PATH, WS_PROTOCOL } from "./constants.ts";

const SubscriptionId = z.number().int().nonnegative();

/** Points per metric in one message of the topic `series`. */
export const MOST_STREAMED_POINTS = 5_000;

/** Runs in one subscription of the topic `summaries`. */
export const MOST_SUMMARIES = 1_000;

export const Topic = z.discriminatedUnion("topic", [
  /**
   * The list of runs: `runs` first (the newest 2,000 and all that live or are queued; an empty list with `changes_only`, for clients that ask for pages),
   * then `runs_changed`. Each line holds what every list shows, and the metrics and params that are named here.
   */
  LineFields.extend({ topic: z.literal("runs"), changes_only: z.boolean().optional() }),
  /** All that is known of certain runs: `summaries` of all of them first, then of those that changed. */
  z.object({ topic: z.literal("summaries"), runs: z.array(RunId).max(MOST_SUMMARIES) }),
  /** One run: its `run` summary, `events` and `checkpoints` as they come, `usage` while it lives. */
  z.object({ topic: z.literal("run"), run: RunId }),
  /** New points of a run's metrics since the cursor. Names as in SeriesQuery. */
  z.object({
    topic: z.literal("series"),
    run: RunId,
    metrics: z.array(z.string()).min(1).max(10_000),
    cursor: SeriesCursor,
    /** Points per metric in one message, 5,000 where it is left out: a longer backlog comes as the whole curve, downsampled, with `reset`. */
    max_points: z.number().int().min(100).max(MOST_STREAMED_POINTS).optional(),
    /** A metric that never falls: each point comes with its value, in the column `x`. */
    x: z.string().min(1).optional(),
    /** As in SeriesQuery: each point comes with its value under the moving average, in the column `smoothed`. */
    smoothing: SmoothingWeight.optional(),
  }),
  /** Bytes of an attempt's log from an offset on, cut at whole UTF-8 characters. */
  z.object({ topic: z.literal("log"), run: RunId, attempt: z.number().int().positive(), offset: z.number().int().nonnegative() }),
  /** Notices that no window has shown yet, of the last day, and then each new one. Whoever would show one claims it first. */
  z.object({ topic: z.literal("notices") }),
  /** Samples of the machine. */
  z.object({ topic: z.literal("system") }),
  /** The queue, and again whenever it has changed. */
  z.object({ topic: z.literal("queue") }),
]);
export type Topic = z.infer<typeof Topic>;

export const ClientMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("subscribe"), id: SubscriptionId, topic: Topic }),
  z.object({ type: z.literal("unsubscribe"), id: SubscriptionId }),
  z.object({ type: z.literal("ping"), id: z.number().int() }),
]);
export type ClientMessage = z.infer<typeof ClientMessage>;

export const ServerMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("welcome"), version: z.string(), protocol: z.number().int() }),
  z.object({ type: z.literal("pong"), id: z.number().int() }),
  z.object({ type: z.literal("runs"), id: SubscriptionId, runs: z.array(RunLine) }),
  /** The lines of runs that came or changed, and those that are there no longer. Of many, several messages. */
  z.object({ type: z.literal("runs_changed"), id: SubscriptionId, runs: z.array(RunLine), removed: z.array(RunId) }),
  /** `missing`: those that there are not, or not any more. */
  z.object({ type: z.literal("summaries"), id: SubscriptionId, runs: z.array(RunSummary), missing: z.array(RunId) }),
  z.object({ type: z.literal("run"), id: SubscriptionId, run: RunSummary }),
  z.object({ type: z.literal("events"), id: SubscriptionId, events: z.array(RunEvent) }),
  z.object({ type: z.literal("checkpoints"), id: SubscriptionId, checkpoints: z.array(Checkpoint) }),
  z.object({ type: z.literal("usage"), id: SubscriptionId, usage: RunUsage }),
  z.object({
    type: z.literal("log"),
    id: SubscriptionId,
    attempt: z.number().int(),
    /** Where this text starts, and where the next subscription should. */
    offset: z.number().int(),
    next_offset: z.number().int(),
    text: z.string(),
    /** Bytes passed over because the reader was too far behind; they can be had by GET …/log/raw. */
    skipped_bytes: z.number().int(),
  }),
  z.object({ type: z.literal("system"), id: SubscriptionId, sample: SystemSample }),
  z.object({ type: z.literal("queue"), id: SubscriptionId, queue: Queue }),
  z.object({ type: z.literal("notice"), id: SubscriptionId, notice: Notice }),
  /** The topic has ended (the run is over and everything was sent). */
  z.object({ type: z.literal("end"), id: SubscriptionId }),
  z.object({ type: z.literal("error"), id: SubscriptionId.nullable(), code: ErrorCode, message: z.string() }),
]);
export type ServerMessage = z.infer<typeof ServerMessage>;
