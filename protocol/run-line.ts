/** A run as a line of a list: about 600 bytes, whatever it logs. All of a run is RunSummary (run.ts). */
import * as z from "zod";
import { JsonValue, WireNumber } from "./json.ts";
import { FailureClass, MetricSummary, QueueStay, RunSummary } from "./run.ts";
import { StoreOrigin } from "./stores.ts";

/** The one metric that stands for a run. */
export const Headline = z.object({ name: z.string(), last: WireNumber, last_step: z.number() });
export type Headline = z.infer<typeof Headline>;

/** What a subscriber wants in each line beside what every list shows. Params by their first key; what a run does not have is left out. */
export const LineFields = z.object({
  metrics: z.array(z.string().min(1).max(500)).max(20).optional(),
  params: z.array(z.string().min(1).max(500)).max(20).optional(),
});
export type LineFields = z.infer<typeof LineFields>;

export const RunLine = RunSummary.pick({
  id: true,
  project: true,
  experiment: true,
  name: true,
  tags: true,
  starred: true,
  archived: true,
  state: true,
  state_reason: true,
  recipe: true,
  attempt: true,
  created_at: true,
  started_at: true,
  ended_at: true,
  origin: true,
  sweep: true,
  progress: true,
  checkpoint_count: true,
  forkable: true,
  damage: true,
}).extend({
  failure_class: FailureClass.nullable(),
  /** Of its code; null where it was not started in a git repository. */
  commit: z.string().nullable(),
  /** Set on a run that waits in the queue or has waited there. */
  queue: QueueStay.pick({ queued_at: true, left_at: true }).optional(),
  /** The store that it lies in, where that is not the server's own. */
  store: StoreOrigin.optional(),
  /** null before the first point. */
  headline: Headline.nullable(),
  /** Those that the subscription names. */
  metrics: z.record(z.string(), MetricSummary).optional(),
  params: z.record(z.string(), JsonValue).optional(),
});
export type RunLine = z.infer<typeof RunLine>;
