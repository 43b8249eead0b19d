/** Rows of the SYSTEM view from samples whose GPU lines are nvidia-smi's own. */
import { describe, expect, it } from "vitest";
import { DEFAULT_GPU_LIMITS } from "../../protocol/gpu-warnings.ts";
import type { SystemSample } from "../../protocol/system.ts";
import { parseGpuLine } from "../../server/devices/nvidia-smi.ts";
import { systemRows } from "../../src/views/system-text.ts";
import { gpuLine } from "../notices/gpu-line.ts";

const GIB = 1024 ** 3;

function sample(line: string | null): SystemSample {
  const gpu = line === null ? null : parseGpuLine(line);
  return {
    time: 0,
    cpu_percent: 41.6,
    memory_used_bytes: 8 * GIB,
    memory_total_bytes: 32 * GIB,
    disk_free_bytes: null,
    disk_total_bytes: null,
    gpus: gpu === null ? [] : [gpu],
  };
}

describe("the SYSTEM view", () => {
  it("has a row for each GPU, then CPU, memory and disk, unknown as a dash", () => {
    expect(systemRows(sample(null), false, DEFAULT_GPU_LIMITS).map(({ label, description }) => [label, description])).toEqual([
      ["CPU", "42% ▰▰▰▱▱▱▱▱"],
      ["Memory", "▰▰▱▱▱▱▱▱ 8/32 GB"],
      ["Disk", "– free"],
    ]);
    expect(systemRows({ ...sample(null), cpu_percent: null }, false, DEFAULT_GPU_LIMITS)[0]?.description).toBe("–");
  });

  it("marks a GPU that is hot or full, in words too", () => {
    const row = (used: number, celsius: string) => systemRows(sample(gpuLine(used, celsius)), false, DEFAULT_GPU_LIMITS)[0]!;
    expect(row(40_000, "64")).toMatchObject({ label: "GPU 0", icon: "circuit-board", warns: false });
    const hot = row(40_000, "91");
    expect(hot).toMatchObject({ icon: "warning", warns: true });
    expect(hot.description).toMatch(/^91 °C 87%/);
    expect(hot.tooltip).toMatch(/^GPU 0 \(NVIDIA H100 80GB HBM3\) is at 91 °C\. Hot GPUs/);
    expect(hot.spoken).toContain("is at 91 °C");
    expect(row(81_500, "64").tooltip).toMatch(/^99 % of the memory of GPU 0/);
    expect(row(81_500, "[N/A]")).toMatchObject({ warns: true });
    expect(row(40_000, "[N/A]")).toMatchObject({ warns: false });
  });

  it("marks values that are past", () => {
    for (const row of systemRows(sample(gpuLine(1, "50")), true, DEFAULT_GPU_LIMITS)) expect(row.description).toMatch(/ \?$/);
  });
});
