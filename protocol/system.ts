/** Samples of the machine. null where the machine does not say: never 0 for unknown. */
import * as z from "zod";

export const GpuSample = z.object({
  index: z.number().int().nonnegative(),
  uuid: z.string().nullable(),
  name: z.string(),
  utilization_percent: z.number().nullable(),
  memory_used_bytes: z.number().nullable(),
  memory_total_bytes: z.number().nullable(),
  temperature_celsius: z.number().nullable(),
  power_watts: z.number().nullable(),
  power_limit_watts: z.number().nullable(),
});
export type GpuSample = z.infer<typeof GpuSample>;

export const SystemSample = z.object({
  /** ms since the epoch */
  time: z.number(),
  cpu_percent: z.number().nullable(),
  memory_used_bytes: z.number().nullable(),
  memory_total_bytes: z.number().nullable(),
  /** Free space of the filesystem that holds the store. */
  disk_free_bytes: z.number().nullable(),
  disk_total_bytes: z.number().nullable(),
  gpus: z.array(GpuSample),
});
export type SystemSample = z.infer<typeof SystemSample>;

/** What one run's process group uses. */
export const RunUsage = z.object({
  time: z.number(),
  cpu_percent: z.number().nullable(),
  rss_bytes: z.number().nullable(),
  processes: z.number().int().nonnegative(),
});
export type RunUsage = z.infer<typeof RunUsage>;
