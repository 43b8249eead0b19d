/** What the page of the machine draws: which figures there are in its samples, and their lines. Pure. */
import { memoryPercent, percentOf, type GpuLimits } from "../../protocol/gpu-warnings.ts";
import type { GpuSample, SystemSample } from "../../protocol/system.ts";

export interface Line {
  /** `GPU 0`; empty where a figure has one line alone. */
  readonly name: string;
  /** ms since the epoch and the value; null where it is not known, or nothing was sampled for a while. */
  readonly points: readonly (readonly [number, number | null])[];
}

export interface Figure {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** Upper end of the axis; null takes the highest value. */
  readonly max: number | null;
  /** From which on it is warned of; null for what nobody warns of. */
  readonly limit: number | null;
  readonly lines: readonly Line[];
}

/** Times that samples are usually apart; more than three of these are a gap. */
const MOST_USUAL_MS = 30_000;

/** Figures with a value in `samples`. @param samples oldest first */
export function figuresOf(samples: readonly SystemSample[], limits: GpuLimits): Figure[] {
  const gap = 3 * Math.max(MOST_USUAL_MS, ...spacing(samples));
  const indices = [...new Set(samples.flatMap(({ gpus }) => gpus.map(({ index }) => index)))].sort((a, b) => a - b);
  const perGpu = (read: (gpu: GpuSample) => number | null): Line[] =>
    indices.map((index) => ({
      name: `GPU ${String(index)}`,
      points: line(samples, gap, ({ gpus }) => {
        const gpu = gpus.find((each) => each.index === index);
        return gpu === undefined ? null : read(gpu);
      }),
    }));
  const machine = (read: (sample: SystemSample) => number | null): Line[] => [{ name: "", points: line(samples, gap, read) }];
  const figures: Figure[] = [
    { id: "gpu-utilization", title: "GPU utilisation", unit: "%", max: 100, limit: null, lines: perGpu((gpu) => gpu.utilization_percent) },
    { id: "gpu-memory", title: "GPU memory", unit: "%", max: 100, limit: limits.gpu_memory_percent, lines: perGpu(memoryPercent) },
    {
      id: "gpu-temperature",
      title: "GPU temperature",
      unit: "°C",
      max: null,
      limit: limits.gpu_celsius,
      lines: perGpu((gpu) => gpu.temperature_celsius),
    },
    { id: "gpu-power", title: "GPU power", unit: "W", max: null, limit: null, lines: perGpu((gpu) => gpu.power_watts) },
    { id: "cpu", title: "CPU", unit: "%", max: 100, limit: null, lines: machine((sample) => sample.cpu_percent) },
    { id: "memory", title: "Memory", unit: "%", max: 100, limit: null, lines: machine(memoryPercent) },
    { id: "disk", title: "Disk in use", unit: "%", max: 100, limit: null, lines: machine(usedDisk) },
  ];
  return figures.filter(({ lines }) => lines.some(({ points }) => points.some(([, value]) => value !== null)));
}

/** `64 °C now, 91 °C at most`: of all lines of a figure together. */
export function figureText({ lines, unit }: Figure): string {
  const known = lines.flatMap(({ points }) => points.flatMap(([, value]) => value ?? []));
  const now = lines.map(({ points }) => points.at(-1)?.[1] ?? null);
  const text = (value: number | null): string => (value === null ? "–" : `${value.toFixed(0)} ${unit}`);
  return `${now.map(text).join(", ")} now · ${text(known.length === 0 ? null : Math.max(...known))} at most`;
}

function usedDisk({ disk_free_bytes, disk_total_bytes }: SystemSample): number | null {
  const free = percentOf(disk_free_bytes, disk_total_bytes);
  return free === null ? null : 100 - free;
}

function line(samples: readonly SystemSample[], gap: number, read: (sample: SystemSample) => number | null): Line["points"] {
  return samples.flatMap((sample, i) => {
    const before = samples[i - 1]?.time ?? sample.time;
    const point = [sample.time, read(sample)] as const;
    // Nothing is drawn over the time in which nothing was sampled.
    return sample.time - before > gap ? [[before + 1, null] as const, point] : [point];
  });
}

/** The middle of the times between samples, ms; nothing where there is none. */
function spacing(samples: readonly SystemSample[]): number[] {
  const apart = samples.slice(1).map((sample, i) => sample.time - (samples[i]?.time ?? sample.time));
  const middle = apart.sort((a, b) => a - b)[Math.floor(apart.length / 2)];
  return middle === undefined ? [] : [middle];
}
