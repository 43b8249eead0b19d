/** A trained PEFT adapter as a folder that loads by itself, with a draft of its model card. */
import * as z from "zod";
import { RunId } from "./ids.ts";

export const ExportAdapter = z
  .object({
    /** Absolute path of the folder on the server's machine: made if it is not there, refused if anything lies in it. */
    to: z.string().min(1).max(4096),
    /**
     * Id, name or path of a checkpoint, or the newest one of a step. Without either: the final model of a completed run if it is an adapter,
     * else the newest complete checkpoint that holds one.
     */
    checkpoint: z.string().min(1).max(4096).optional(),
    step: z.number().int().nonnegative().optional(),
  })
  .strict()
  .refine((request) => request.checkpoint === undefined || request.step === undefined, {
    message: "checkpoint and step exclude each other",
    path: ["step"],
  });
export type ExportAdapter = z.infer<typeof ExportAdapter>;

export const ExportedAdapter = z.object({
  run: RunId,
  /** Absolute path of the folder that the adapter was copied from. */
  source: z.string(),
  /** Name and step of the checkpoint; null of a final model. */
  checkpoint: z.string().nullable(),
  step: z.number().int().nonnegative().nullable(),
  /** Absolute path of the folder that was written. */
  folder: z.string(),
  /** Names of the files in it, README.md (the model card) among them. */
  files: z.array(z.string()),
  size_bytes: z.number().int().nonnegative(),
});
export type ExportedAdapter = z.infer<typeof ExportedAdapter>;
