/**
 * Identifiers. Every entity carries a prefix that says what it is. Those of runs and sweeps go on with 17 characters of Crockford base32:
 * 9 for the time in milliseconds (so that ids sort by creation) and 8 random ones.
 */
import * as z from "zod";
import { idText } from "./id-text.ts";

export const RunId = z.string().regex(/^run_[0-9a-hjkmnp-tv-z]{17}$/, "not a run id (run_ and 17 base32 characters)");
export type RunId = z.infer<typeof RunId>;

export const SweepId = z.string().regex(/^sweep_[0-9a-hjkmnp-tv-z]{17}$/, "not a sweep id (sweep_ and 17 base32 characters)");
export type SweepId = z.infer<typeof SweepId>;

export const CheckpointId = z.string().regex(/^ckpt_[0-9a-f]{12}$/, "not a checkpoint id (ckpt_ and 12 hex digits)");
export type CheckpointId = z.infer<typeof CheckpointId>;

/** Names that become folders: projects and experiments. No separators, no leading dot, nothing a shell or Windows refuses. */
export const Slug = z
  .string()
  .min(1)
  .max(80)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "use letters, digits, '.', '_' and '-', starting with a letter or digit");
export type Slug = z.infer<typeof Slug>;

/** A title as a folder name: `Text Summarization` → `text-summarization`. null when nothing of it can stand in one. */
export function slugOf(title: string): Slug | null {
  const name = title
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[._-]+|[._-]+$/g, "")
    .slice(0, 80);
  return name === "" ? null : name;
}

/**
 * A new run id.
 * @param nowMs creation time in milliseconds since the epoch
 */
export function newRunId(nowMs: number = Date.now()): RunId {
  return `run_${idText(nowMs)}`;
}

export function newSweepId(nowMs: number = Date.now()): SweepId {
  return `sweep_${idText(nowMs)}`;
}
