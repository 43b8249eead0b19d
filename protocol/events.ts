/** events.jsonl: what happened to the run, append only, written by the server. */
import * as z from "zod";
import { Instant, JsonObject } from "./json.ts";
import { RunState } from "./states.ts";

export const RunEvent = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("state"),
    time: Instant,
    from: RunState.nullable(),
    to: RunState,
    attempt: z.number().int().nonnegative(),
    /** Who or what caused it: `user`, `sweep` (pruned), `process exit`, `server start`. */
    cause: z.string(),
    /** What it rests on: exit code, signal, end marker, boot id. */
    evidence: JsonObject,
  }),
  z.object({ type: z.literal("checkpoint"), time: Instant, attempt: z.number().int(), step: z.number().int(), name: z.string() }),
  z.object({ type: z.literal("edit"), time: Instant, changes: JsonObject }),
  z.object({ type: z.literal("message"), time: Instant, level: z.enum(["info", "warning", "error"]), text: z.string() }),
]);
export type RunEvent = z.infer<typeof RunEvent>;
