import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SystemSample } from "../../protocol/system.ts";
import { cpuPercent, HostSampler, parseMeminfo, parseProcStatCpu } from "../../server/devices/host.ts";

describe("host samples", () => {
  it("reads this machine", async () => {
    const sampler = new HostSampler(process.cwd());
    const first = await sampler.sample();
    expect(first.cpu_percent).toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 60));
    const second = SystemSample.parse({ ...(await sampler.sample()), gpus: [] });
    expect(second.cpu_percent).toBeGreaterThanOrEqual(0);
    expect(second.cpu_percent).toBeLessThanOrEqual(100);
    expect(second.memory_used_bytes).toBeGreaterThan(0);
    expect(second.memory_used_bytes).toBeLessThan(second.memory_total_bytes ?? 0);
    expect(second.disk_free_bytes).toBeLessThanOrEqual(second.disk_total_bytes ?? 0);
  });

  it("counts idle and waiting for the disk as not busy", () => {
    const before = parseProcStatCpu("cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 2 3 4\n");
    const after = parseProcStatCpu("cpu  150 0 150 900 200 0 0 0 90 0\n");
    expect(before).toEqual({ total: 1000, busy: 200 });
    expect(cpuPercent(before, after)).toBe(25);
    expect(cpuPercent(null, after)).toBeNull();
    expect(cpuPercent(after, after)).toBeNull();
  });

  it("reads meminfo, and says nothing when it is something else", () => {
    expect(parseMeminfo("MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    400 kB\n")).toEqual({
      used: 600 * 1024,
      total: 1000 * 1024,
    });
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseMeminfo(text)).toBeNull();
        expect(parseProcStatCpu(text)).toBeNull();
      }),
    );
  });
});
