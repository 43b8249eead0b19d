/** What a run will need: memory with its parts, disk, steps and time. A forecast is a range and says what it rests on. */
import * as z from "zod";

/** `formula`: from sizes alone; `earlier runs`: corrected by what runs on this machine measured; `probe`: measured with this very document. */
export const EstimateBasis = z.enum(["formula", "earlier runs", "probe"]);
export type EstimateBasis = z.infer<typeof EstimateBasis>;

/**
 * What fills the memory at its peak. `framework` is what the libraries take before a model is there; `allocator` what the C allocator keeps of
 * temporaries on the CPU; `evaluation` what a batch that nothing is learned from takes; `dataset` the rows that are held in memory.
 */
export const MemoryPartName = z.enum([
  "weights",
  "gradients",
  "optimizer",
  "activations",
  "logits",
  "evaluation",
  "dataset",
  "allocator",
  "framework",
]);
export type MemoryPartName = z.infer<typeof MemoryPartName>;

export const MemoryEstimate = z.object({
  kind: z.enum(["gpu", "cpu"]),
  /** Index of the GPU as the training sees it; null for the memory of the host. */
  index: z.number().int().nonnegative().nullable(),
  /** Name of the GPU, or `host memory`. */
  name: z.string(),
  low_bytes: z.number().nonnegative(),
  likely_bytes: z.number().nonnegative(),
  high_bytes: z.number().nonnegative(),
  /** Largest part first; they add up to `likely_bytes` before a correction by a measurement. */
  parts: z.array(z.object({ name: MemoryPartName, bytes: z.number().nonnegative() })),
  /** What is free now, and all there is; null where the machine does not say. */
  free_bytes: z.number().nonnegative().nullable(),
  total_bytes: z.number().nonnegative().nullable(),
  basis: EstimateBasis,
  /** One sentence: what was measured, where and when; null for a formula. */
  evidence: z.string().nullable(),
});
export type MemoryEstimate = z.infer<typeof MemoryEstimate>;

export const DiskEstimate = z.object({
  /** The filesystem that the checkpoints go to. */
  path: z.string(),
  checkpoint_bytes: z.number().nonnegative(),
  /** Checkpoints that lie on the disk at the same time, at most. */
  checkpoints: z.number().int().nonnegative(),
  final_model_bytes: z.number().nonnegative(),
  total_bytes: z.number().nonnegative(),
  free_bytes: z.number().nonnegative().nullable(),
});
export type DiskEstimate = z.infer<typeof DiskEstimate>;

export const TimeEstimate = z.object({
  low_seconds: z.number().nonnegative(),
  likely_seconds: z.number().nonnegative(),
  high_seconds: z.number().nonnegative(),
  seconds_per_step: z.number().nonnegative(),
  /** Never a formula: how fast a machine is has to be measured. */
  basis: z.enum(["earlier runs", "probe"]),
  evidence: z.string(),
});
export type TimeEstimate = z.infer<typeof TimeEstimate>;

/** null wherever it cannot be told. */
export const RunEstimate = z.object({
  train_rows: z.number().int().nonnegative().nullable(),
  eval_rows: z.number().int().nonnegative().nullable(),
  /** Rows of one optimizer step: per device × accumulation × devices. */
  effective_batch: z.number().int().positive().nullable(),
  devices: z.number().int().positive(),
  steps: z.number().int().nonnegative().nullable(),
  total_parameters: z.number().int().nonnegative().nullable(),
  trainable_parameters: z.number().int().nonnegative().nullable(),
  /** One per GPU that is used, then the host. */
  memory: z.array(MemoryEstimate),
  disk: DiskEstimate.nullable(),
  time: TimeEstimate.nullable(),
});
export type RunEstimate = z.infer<typeof RunEstimate>;

/** Two real steps of a document in a process of their own, measured. */
export const Probe = z.object({
  measured_at: z.iso.datetime({ offset: true }),
  /** Optimizer steps that were made; the first one warms up and does not count for the speed. */
  steps: z.number().int().positive(),
  seconds_per_step: z.number().nonnegative(),
  /** From the start of the process until the first step began. */
  startup_seconds: z.number().nonnegative(),
  peak_rss_bytes: z.number().nonnegative(),
  /** torch's peak of allocated memory, and what it had reserved; null without a GPU. */
  peak_gpu_bytes: z.number().nonnegative().nullable(),
  reserved_gpu_bytes: z.number().nonnegative().nullable(),
  gpu_name: z.string().nullable(),
});
export type Probe = z.infer<typeof Probe>;
