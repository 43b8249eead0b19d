/** What somebody should know of a GPU: it is hot, or its memory is full. The same rule for notices, the tree and the dashboard. */
import type { GpuSample } from "./system.ts";

export interface GpuLimits {
  readonly gpu_celsius: number;
  readonly gpu_memory_percent: number;
}

export interface GpuWarning {
  readonly kind: "gpu_hot" | "gpu_memory_full";
  /** `GPU 0 (NVIDIA H100) is at 91 °C` */
  readonly message: string;
  readonly hint: string;
}

/** As notify.json has them before anybody changes them. */
export const DEFAULT_GPU_LIMITS: GpuLimits = { gpu_celsius: 85, gpu_memory_percent: 98 };

/** Unknown values warn of nothing. @param gpu one sample @param limits reached is enough */
export function gpuWarnings(gpu: GpuSample, limits: GpuLimits): GpuWarning[] {
  const { temperature_celsius: celsius } = gpu;
  const memory = memoryPercent(gpu);
  const name = `GPU ${String(gpu.index)} (${gpu.name})`;
  const warnings: GpuWarning[] = [];
  if (celsius !== null && celsius >= limits.gpu_celsius)
    warnings.push({
      kind: "gpu_hot",
      message: `${name} is at ${String(Math.round(celsius))} °C`,
      hint: "Hot GPUs slow down by themselves: look at their fans and at the air around them, or lower the power limit.",
    });
  if (memory !== null && memory >= limits.gpu_memory_percent)
    warnings.push({
      kind: "gpu_memory_full",
      // Rounded down: 99.9 is not yet all of it.
      message: `${String(Math.floor(memory))} % of the memory of ${name} is in use`,
      hint: "The next allocation may fail: a smaller batch, shorter sequences or gradient checkpointing make room.",
    });
  return warnings;
}

/** Of a GPU or of the machine. */
export function memoryPercent(sample: Pick<GpuSample, "memory_used_bytes" | "memory_total_bytes">): number | null {
  return percentOf(sample.memory_used_bytes, sample.memory_total_bytes);
}

/** null where either is not known. */
export function percentOf(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole <= 0 ? null : (100 * part) / whole;
}
