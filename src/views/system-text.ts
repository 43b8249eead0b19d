/** Rows of the SYSTEM view from one sample of the machine. Unknown is a dash, never 0. Pure. */
import { gpuWarnings, type GpuLimits } from "../../protocol/gpu-warnings.ts";
import type { GpuSample, SystemSample } from "../../protocol/system.ts";
import { bar, formatBytes, formatMemory } from "../runs/format.ts";

export interface SystemRow {
  readonly id: string;
  readonly icon: string;
  readonly label: string;
  readonly description: string;
  readonly tooltip: string;
  readonly spoken: string;
  /** Something about it needs a look: drawn in the colour of warnings. */
  readonly warns: boolean;
}

/** @param stale the newest sample is more than 10 s old: its values are marked as past */
export function systemRows(sample: SystemSample, stale: boolean, limits: GpuLimits): SystemRow[] {
  const mark = stale ? " ?" : "";
  const rows = sample.gpus.map((gpu) => gpuRow(gpu, mark, limits));
  rows.push(
    {
      id: "cpu",
      icon: "pulse",
      label: "CPU",
      // Before the second sample nothing is known of it: one dash says so.
      description:
        sample.cpu_percent === null ? percent(null) : `${percent(sample.cpu_percent)} ${bar(fraction(sample.cpu_percent, 100))}${mark}`,
      tooltip: `CPU ${percent(sample.cpu_percent)}`,
      spoken: `CPU ${percent(sample.cpu_percent)}`,
      warns: false,
    },
    {
      id: "memory",
      icon: "server",
      label: "Memory",
      description: `${bar(fraction(sample.memory_used_bytes, sample.memory_total_bytes))} ${formatMemory(sample.memory_used_bytes, sample.memory_total_bytes)}${mark}`,
      tooltip: `Memory ${formatMemory(sample.memory_used_bytes, sample.memory_total_bytes)}`,
      spoken: `memory ${formatMemory(sample.memory_used_bytes, sample.memory_total_bytes)}`,
      warns: false,
    },
    {
      id: "disk",
      icon: "database",
      label: "Disk",
      description: `${sample.disk_free_bytes === null ? "–" : formatBytes(sample.disk_free_bytes)} free${mark}`,
      tooltip: "Free space of the file system that holds the store",
      spoken: `disk ${sample.disk_free_bytes === null ? "unknown" : formatBytes(sample.disk_free_bytes)} free`,
      warns: false,
    },
  );
  return rows;
}

function gpuRow(gpu: GpuSample, mark: string, limits: GpuLimits): SystemRow {
  const warnings = gpuWarnings(gpu, limits);
  const hot = warnings.some(({ kind }) => kind === "gpu_hot");
  const memory = formatMemory(gpu.memory_used_bytes, gpu.memory_total_bytes);
  const celsius = gpu.temperature_celsius === null ? "–" : `${Math.round(gpu.temperature_celsius)} °C`;
  const facts = [
    ...warnings.flatMap(({ message, hint }) => [`${message}. ${hint}`, ""]),
    gpu.name,
    `utilisation ${percent(gpu.utilization_percent)}`,
    `memory ${memory}`,
    `temperature ${celsius}`,
    `power ${gpu.power_watts === null ? "–" : Math.round(gpu.power_watts)} / ${gpu.power_limit_watts === null ? "–" : Math.round(gpu.power_limit_watts)} W`,
  ];
  return {
    id: `gpu-${gpu.uuid ?? gpu.index}`,
    icon: warnings.length > 0 ? "warning" : "circuit-board",
    label: `GPU ${gpu.index}`,
    description: `${hot ? `${celsius} ` : ""}${percent(gpu.utilization_percent)} ${bar(fraction(gpu.memory_used_bytes, gpu.memory_total_bytes))} ${memory}${mark}`,
    tooltip: facts.join("\n"),
    spoken: `GPU ${gpu.index}, ${facts.filter((fact) => fact !== "").join(", ")}`,
    warns: warnings.length > 0,
  };
}

function percent(value: number | null): string {
  return value === null ? "–" : `${Math.round(value)}%`;
}

function fraction(used: number | null, total: number | null): number | null {
  return used === null || total === null || total <= 0 ? null : used / total;
}
