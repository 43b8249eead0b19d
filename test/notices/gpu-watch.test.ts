/** Warnings about a GPU: the rule, and that each is told once until the GPU has recovered; from lines as nvidia-smi prints them. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_GPU_LIMITS, gpuWarnings } from "../../protocol/gpu-warnings.ts";
import { NotifyFile, type Notice } from "../../protocol/notices.ts";
import type { GpuSample } from "../../protocol/system.ts";
import { parseGpuLine } from "../../server/devices/nvidia-smi.ts";
import { NoticeWatch } from "../../server/notices/watch.ts";
import { buildPackage, type PackageFixture } from "../launch/package-fixture.ts";
import { eventually } from "../http/live-server.ts";
import { newWorkspace, openRoom, spec } from "../runs/room-fixture.ts";
import { gpuLine } from "./gpu-line.ts";

let fixture: PackageFixture;
beforeAll(async () => {
  fixture = await buildPackage();
});
afterAll(() => fixture.remove());

const gpu = (used: number, celsius: string): GpuSample => parseGpuLine(gpuLine(used, celsius))!;

describe("the rule", () => {
  it("warns from the limit on, of heat and of full memory apart", () => {
    const kinds = (sample: GpuSample) => gpuWarnings(sample, { gpu_celsius: 85, gpu_memory_percent: 98 }).map(({ kind }) => kind);
    expect(kinds(gpu(40_321, "84"))).toEqual([]);
    expect(kinds(gpu(40_321, "85"))).toEqual(["gpu_hot"]);
    expect(kinds(gpu(81_000, "84"))).toEqual(["gpu_memory_full"]);
    expect(kinds(gpu(81_559, "100"))).toEqual(["gpu_hot", "gpu_memory_full"]);
    expect(gpuWarnings(gpu(81_000, "20"), DEFAULT_GPU_LIMITS)[0]?.message).toBe(
      "99 % of the memory of GPU 0 (NVIDIA H100 80GB HBM3) is in use",
    );
  });

  it("warns of nothing that is not known", () => {
    const limits = { gpu_celsius: 1, gpu_memory_percent: 1 };
    for (const word of ["[N/A]", "[Not Supported]", "N/A", ""]) {
      const unknown = parseGpuLine(gpuLine(0, word).replace("81559", word))!;
      expect(gpuWarnings({ ...unknown, memory_used_bytes: null }, limits)).toEqual([]);
      expect(gpuWarnings({ ...unknown, memory_used_bytes: 5 }, limits)).toEqual([]);
    }
  });

  it("never takes a warning back because the limit was lowered", () => {
    const limit = fc.integer({ min: 1, max: 100 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 81_559 }), fc.integer({ min: 0, max: 120 }), limit, limit, (used, celsius, a, b) => {
        const sample = gpu(used, String(celsius));
        const at = (value: number) => gpuWarnings(sample, { gpu_celsius: value, gpu_memory_percent: value }).map(({ kind }) => kind);
        expect(at(Math.min(a, b))).toEqual(expect.arrayContaining(at(Math.max(a, b))));
      }),
    );
  });

  it("has the defaults of notify.json", () => {
    expect(NotifyFile.parse({})).toMatchObject(DEFAULT_GPU_LIMITS);
  });
});

it("tells while a run lives, once until the GPU was well below the limit", async () => {
  const workspace = await newWorkspace();
  const room = await openRoom(workspace.dir, fixture.root);
  let now = gpu(40_000, "91");
  let looks = 0;
  const told: Notice[] = [];
  const watch = new NoticeWatch({
    runs: room.runs,
    sweeps: { onSettled: () => () => undefined, atRest: () => null },
    storeRoot: room.store.root,
    // As short as a wait can be: looks every 50 ms. The silence that it tells of as well is not of interest here.
    limits: () => NotifyFile.parse({ stalled_minutes: 0.001, disk_free_gb: 0, gpu_celsius: 85, gpu_memory_percent: 95 }),
    gpus: () => {
      looks++;
      return [now];
    },
    tell: (notice) => notice.kind.startsWith("gpu") && told.push(notice),
    log: (text) => {
      throw new Error(text);
    },
  });
  /** Two looks: the first may have begun before the change. */
  const looked = async (sample: GpuSample): Promise<string[]> => {
    now = sample;
    const until = looks + 2;
    await eventually(() => looks >= until, "two looks");
    return told.splice(0).map(({ kind, message }) => `${kind}: ${message}`);
  };
  try {
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect([looks, told]).toEqual([0, []]);
    const { id } = await room.runs.create({
      spec: spec({ name: "hot", recipe: "command", params: { command: ["sleep", "60"] }, track: false }),
      start: true,
    });
    expect(await looked(gpu(40_000, "91"))).toEqual(["gpu_hot: GPU 0 (NVIDIA H100 80GB HBM3) is at 91 °C."]);
    expect(await looked(gpu(80_000, "92"))).toEqual(["gpu_memory_full: 98 % of the memory of GPU 0 (NVIDIA H100 80GB HBM3) is in use."]);
    // Not yet recovered: within the margin, or not known.
    for (const [used, celsius] of [
      [75_000, "82"],
      [80_000, "[N/A]"],
      [80_000, "93"],
    ] as const)
      expect(await looked(gpu(used, celsius))).toEqual([]);
    expect(await looked(gpu(10_000, "60"))).toEqual([]);
    expect(await looked(gpu(81_559, "99"))).toHaveLength(2);
    await room.runs.cancel(id, { force: true, reason: "over" });
  } finally {
    watch.close();
    await room.close();
    await workspace.remove();
  }
});
