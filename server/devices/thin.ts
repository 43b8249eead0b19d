/** Fewer samples for a long history: each stands for a stretch of time with what was highest in it, since peaks are what one looks for. */
import type { GpuSample, SystemSample } from "../../protocol/system.ts";

/**
 * @param samples oldest first
 * @param most    at most so many stretches of equal length; empty ones are left out, so that a gap stays a gap
 */
export function thinSamples(samples: readonly SystemSample[], most: number): SystemSample[] {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || samples.length <= most) return [...samples];
  const length = (last.time - first.time) / most;
  const stretches: SystemSample[][] = [];
  let current = -1;
  for (const sample of samples) {
    const stretch = length === 0 ? 0 : Math.min(most - 1, Math.floor((sample.time - first.time) / length));
    if (stretch === current) stretches.at(-1)?.push(sample);
    else stretches.push([sample]);
    current = stretch;
  }
  return stretches.flatMap(peaks);
}

/** One sample for a stretch: the newest, with the highest values; of the free space, the lowest. */
function peaks(stretch: readonly SystemSample[]): SystemSample[] {
  const newest = stretch.at(-1);
  if (newest === undefined) return [];
  const highest = (read: (sample: SystemSample) => number | null): number | null => extreme(stretch.map(read), Math.max);
  return [
    {
      ...newest,
      cpu_percent: highest((sample) => sample.cpu_percent),
      memory_used_bytes: highest((sample) => sample.memory_used_bytes),
      disk_free_bytes: extreme(
        stretch.map((sample) => sample.disk_free_bytes),
        Math.min,
      ),
      gpus: newest.gpus.map((gpu) => gpuPeaks(gpu, stretch)),
    },
  ];
}

function gpuPeaks(newest: GpuSample, stretch: readonly SystemSample[]): GpuSample {
  const same = stretch.flatMap(({ gpus }) => gpus.filter(({ index }) => index === newest.index));
  const highest = (read: (gpu: GpuSample) => number | null): number | null => extreme(same.map(read), Math.max);
  return {
    ...newest,
    utilization_percent: highest((gpu) => gpu.utilization_percent),
    memory_used_bytes: highest((gpu) => gpu.memory_used_bytes),
    temperature_celsius: highest((gpu) => gpu.temperature_celsius),
    power_watts: highest((gpu) => gpu.power_watts),
  };
}

/** null where nothing is known, never 0. */
function extreme(values: readonly (number | null)[], choose: (...values: number[]) => number): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : choose(...known);
}
