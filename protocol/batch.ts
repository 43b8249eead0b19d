/** Many runs in one request: reading them, and one action on each. That one is refused keeps no other from being read or changed. */
import * as z from "zod";
import { ApiError } from "./errors.ts";
import { RunId, Slug } from "./ids.ts";
import { RunDetail } from "./queries.ts";
import { RunRecord } from "./run.ts";
import { TrashId } from "./trash.ts";

const { tags, starred, archived } = RunRecord.shape;

export const BatchAction = z.discriminatedUnion("do", [
  z
    .object({
      do: z.literal("edit"),
      starred: starred.optional(),
      archived: archived.optional(),
      /** null takes them out of the experiment that they are in. */
      experiment: Slug.nullable().optional(),
      /** To those that each run has; nothing happens to one that has them. */
      add_tags: tags.optional(),
      remove_tags: tags.optional(),
    })
    .strict(),
  /** Gracefully, with a final checkpoint; runs that have ended are refused. */
  z.object({ do: z.literal("stop"), reason: z.string().max(1000).default("asked for by the user") }).strict(),
  /** A run that is live is refused, unless it is to be `stop`ped first: the answer waits for its end. */
  z.object({ do: z.literal("trash"), stop: z.boolean().default(false) }).strict(),
]);
export type BatchAction = z.infer<typeof BatchAction>;

export const BatchRequest = z.object({ runs: z.array(RunId).min(1).max(1000), action: BatchAction }).strict();
export type BatchRequest = z.infer<typeof BatchRequest>;

export const BatchResult = z.object({
  /** In the order of the request. `record` is null once the run is in the trash, `trash` before. */
  done: z.array(
    z.object({ run: RunId, record: RunRecord.pick({ tags: true, starred: true, archived: true }).nullable(), trash: TrashId.nullable() }),
  ),
  failed: z.array(z.object({ run: RunId, error: ApiError.shape.error })),
});
export type BatchResult = z.infer<typeof BatchResult>;

/** One request of so many costs about what ten requests of one do. */
export const MOST_DETAILS = 100;

export const DetailsQuery = z.object({
  /** Comma-separated run ids. */
  runs: z
    .string()
    .transform((text) => text.split(",").filter((id) => id !== ""))
    .pipe(z.array(RunId).min(1).max(MOST_DETAILS)),
});

/** In the order of the request. */
export const RunDetails = z.object({ runs: z.array(RunDetail), failed: BatchResult.shape.failed });
export type RunDetails = z.infer<typeof RunDetails>;
