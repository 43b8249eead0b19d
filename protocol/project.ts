/** The small JSON files above the run folders: <store>/store.json and <store>/<project>/project.json. */
import * as z from "zod";
import { Slug } from "./ids.ts";
import { Instant, JsonObject } from "./json.ts";
import { RUN_FOLDER_VERSION } from "./run.ts";

export const StoreRecord = z.object({ version: z.literal(RUN_FOLDER_VERSION), created_at: Instant });
export type StoreRecord = z.infer<typeof StoreRecord>;

export const ProjectRecord = z.object({
  version: z.literal(RUN_FOLDER_VERSION),
  name: Slug,
  title: z.string(),
  description: z.string(),
  created_at: Instant,
  /** Params that the project's runs inherit, below the spec's own. */
  defaults: JsonObject,
});
export type ProjectRecord = z.infer<typeof ProjectRecord>;
