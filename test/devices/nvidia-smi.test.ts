import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { GpuSample } from "../../protocol/system.ts";
import { NvidiaSmi, parseGpuLine } from "../../server/devices/nvidia-smi.ts";

const WHOLE = "0, GPU-3f6b2c1e-aaaa-bbbb-cccc-1234567890ab, NVIDIA H100 80GB HBM3, 87, 40321, 81559, 64, 512.34, 700.00";

describe("parseGpuLine", () => {
  it("reads a whole line", () => {
    expect(parseGpuLine(WHOLE)).toEqual({
      index: 0,
      uuid: "GPU-3f6b2c1e-aaaa-bbbb-cccc-1234567890ab",
      name: "NVIDIA H100 80GB HBM3",
      utilization_percent: 87,
      memory_used_bytes: 40321 * 1024 * 1024,
      memory_total_bytes: 81559 * 1024 * 1024,
      temperature_celsius: 64,
      power_watts: 512.34,
      power_limit_watts: 700,
    });
  });

  it.each(["[N/A]", "[Not Supported]", "[Unknown Error]", "N/A", "", "[Insufficient Permissions]", "-1", "nan", "1e3"])(
    "keeps %j as null, never as 0",
    (word) => {
      const sample = parseGpuLine(`3, GPU-1, Tesla T4, ${Array.from({ length: 6 }, () => word).join(", ")}`);
      expect(sample).toMatchObject({
        index: 3,
        utilization_percent: null,
        memory_used_bytes: null,
        memory_total_bytes: null,
        power_watts: null,
      });
    },
  );

  it.each([
    "No devices were found",
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
    "Unable to determine the device handle for GPU0000:01:00.0: Unknown Error",
    "",
    "index, uuid, name, utilization.gpu [%], memory.used [MiB], memory.total [MiB], temperature.gpu, power.draw [W], power.limit [W]",
    WHOLE.slice(0, 60),
  ])("passes over %j", (line) => {
    expect(parseGpuLine(line)).toBeNull();
  });

  it("gives nothing or a valid sample for any text", () => {
    const field = fc.oneof(
      fc.string(),
      fc.integer().map(String),
      fc.double().map(String),
      fc.constantFrom("[N/A]", "[Not Supported]", "GPU-0"),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(field, { maxLength: 12 }).map((fields) => fields.join(", ")),
        ),
        (line) => {
          const sample = parseGpuLine(line);
          if (sample === null) return;
          GpuSample.parse(sample);
          for (const value of Object.values(sample)) if (typeof value === "number") expect(value).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });

  it("never takes a torn line for more than it says", () => {
    fc.assert(
      fc.property(fc.nat({ max: WHOLE.length - 1 }), (end) => {
        const torn = parseGpuLine(WHOLE.slice(0, end));
        // The last field may be cut short; a line without it is no line.
        if (torn !== null) expect(end).toBeGreaterThan(WHOLE.lastIndexOf(","));
      }),
    );
  });
});

describe.skipIf(process.platform === "win32")("NvidiaSmi", () => {
  const folders: string[] = [];
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  });

  async function program(script: string): Promise<string> {
    const folder = await mkdtemp(path.join(os.tmpdir(), "ty-smi-"));
    folders.push(folder);
    const file = path.join(folder, "nvidia-smi");
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
    return file;
  }

  async function until<T>(read: () => T, good: (value: T) => boolean): Promise<T> {
    for (let i = 0; i < 200; i++) {
      const value = read();
      if (good(value)) return value;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return read();
  }

  it("keeps one child and reads what it prints, lines cut anywhere", async () => {
    const command = await program(
      `printf 'a warning\\n0, GPU-a, One, 10, 1, 2, 3, 4, 5\\n1, GPU-b, Tw'; sleep 0.1; printf 'o, [N/A], 1, 2, 3, 4, 5\\n'; exec sleep 30`,
    );
    const smi = new NvidiaSmi({ intervalMs: 60_000, command });
    smi.start();
    smi.start();
    const gpus = await until(
      () => smi.latest(Date.now()),
      (list) => list.length === 2,
    );
    expect(gpus.map((gpu) => [gpu.name, gpu.utilization_percent])).toEqual([
      ["One", 10],
      ["Two", null],
    ]);
    // Silent for three beats: the names stay, the values go.
    expect(smi.latest(Date.now() + 200_000).map((gpu) => [gpu.name, gpu.memory_used_bytes, gpu.memory_total_bytes])).toEqual([
      ["One", null, 2 * 1024 * 1024],
      ["Two", null, 2 * 1024 * 1024],
    ]);
    smi.stop();
  });

  it("gives up quietly where there is no such program", async () => {
    const smi = new NvidiaSmi({ intervalMs: 1000, command: "/nonexistent/nvidia-smi" });
    smi.start();
    await new Promise((resolve) => setTimeout(resolve, 50));
    smi.start();
    expect(smi.latest(Date.now())).toEqual([]);
    smi.stop();
  });

  it("survives a program that fails at once", async () => {
    const smi = new NvidiaSmi({ intervalMs: 1000, command: await program("echo 'No devices were found'; exit 6") });
    smi.start();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(smi.latest(Date.now())).toEqual([]);
    smi.stop();
  });
});
