/** A queue that waits for free GPUs: the rule, and runs that it holds back, by what a program in the place of nvidia-smi prints. */
import { rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, describe, expect, it, test } from "vitest";
import type { RunId } from "../../protocol/ids.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { createDevices } from "../../server/devices/devices.ts";
import { parseGpuLine } from "../../server/devices/nvidia-smi.ts";
import type { Devices } from "../../server/devices/types.ts";
import { wantedGpus, whyNoGpu } from "../../server/runs/free-gpus.ts";
import { until } from "../launch/package-fixture.ts";
import { gpuLine } from "../notices/gpu-line.ts";
import { ended, roomForEachTest, shell } from "./room-fixture.ts";

const FULL = 40_000;
const LITTLE = 600;

describe("the rule", () => {
  const gpus = (...used: number[]) => used.map((mebibytes, index) => parseGpuLine(gpuLine(mebibytes, "40", index))!);

  it("is met when the GPUs that a document names are free, or all where it names none", () => {
    expect(whyNoGpu("all", [], gpus(LITTLE, LITTLE))).toBeNull();
    expect(whyNoGpu("all", [], gpus(LITTLE, FULL))).toBe("More than 10% of the memory of GPU 1 is in use.");
    expect(whyNoGpu(["0"], [], gpus(LITTLE, FULL))).toBeNull();
    expect(whyNoGpu(["GPU-3f6b2c1e-aaaa-bbbb-cccc-1234567890a1"], [], gpus(LITTLE, FULL))).toContain("GPU 1");
    expect(whyNoGpu([], [], [])).toBeNull();
  });

  it("counts what living runs of the queue want, though they use nothing of it yet", () => {
    expect(whyNoGpu(["1"], [{ name: "first", gpus: ["0"] }], gpus(LITTLE, LITTLE))).toBeNull();
    expect(whyNoGpu(["0", "1"], [{ name: "first", gpus: ["1"] }], gpus(LITTLE, LITTLE))).toBe("GPU 1 is held by first.");
    expect(whyNoGpu(["1"], [{ name: "first", gpus: "all" }], gpus(LITTLE, LITTLE))).toBe("GPU 1 is held by first.");
  });

  it("holds a run back while it is not known, and says so", () => {
    expect(whyNoGpu("all", [], null)).toContain("being looked");
    expect(whyNoGpu("all", [], [])).toContain("nvidia-smi shows none");
    expect(whyNoGpu(["7"], [], gpus(LITTLE))).toBe("nvidia-smi shows no GPU 7.");
    const unknown = gpus(LITTLE).map((gpu) => ({ ...gpu, memory_used_bytes: null }));
    expect(whyNoGpu("all", [], unknown)).toContain("is not known");
  });

  it("reads which GPUs a document names as CUDA does", () => {
    const wanted = (gpuNames: string[], visible?: string): unknown =>
      wantedGpus({ launch: { kind: "local", gpus: gpuNames }, env: visible === undefined ? {} : { CUDA_VISIBLE_DEVICES: visible } });
    expect([wanted([]), wanted(["1"]), wanted(["1"], "0, 2"), wanted([], ""), wanted([], "0,-1,2")]).toEqual([
      "all",
      ["1"],
      ["0", "2"],
      [],
      ["0"],
    ]);
  });
});

describe("a queue that waits for free GPUs", () => {
  const here = roomForEachTest();
  let devices: Devices | undefined;
  afterEach(() => devices?.close());

  /** What nvidia-smi prints from now on. */
  async function say(...used: number[]): Promise<void> {
    const next = path.join(here.dir, "gpus.next");
    await writeFile(next, used.map((mebibytes, index) => `${gpuLine(mebibytes, "40", index)}\n`).join(""));
    await rename(next, path.join(here.dir, "gpus"));
  }

  async function withGpus(...used: number[]): Promise<void> {
    await say(...used);
    const program = path.join(here.dir, "nvidia-smi");
    await writeFile(program, `#!/bin/sh\nwhile :; do cat '${path.join(here.dir, "gpus")}'; sleep 0.05; done\n`, { mode: 0o755 });
    const options = { storeRoot: here.dir, liveProcesses: () => here.room.runs.liveProcesses(), runSamples: null, log: () => undefined };
    devices = createDevices({ ...options, intervalMs: 100, nvidiaSmi: program });
    await here.room.close();
    await here.open({ gpus: devices });
    await here.room.runs.queue.change({ wait_for_gpus: true, concurrency: 2 });
  }

  const enqueue = (name: string, gpus: string[] = []): Promise<RunDetail> =>
    here.room.runs.create({
      spec: shell(`until test -e go-${name}; do sleep 0.02; done`, { name, launch: { kind: "local", gpus } }),
      start: true,
      queue: true,
    });
  const letGo = (name: string): Promise<void> => writeFile(path.join(here.dir, `go-${name}`), "");
  const lives = (id: RunId): Promise<boolean> => until(`the start of ${id}`, () => here.room.runs.summary(id)?.state === "running");
  const reason = async (): Promise<string | undefined> => (await here.room.runs.queue.list()).waiting[0]?.reason;
  const says = (text: string): Promise<boolean> => until(`"${text}"`, async () => (await reason())?.includes(text) === true);

  test("starts a run once its GPU is free, in the order of the queue, also after a restart", async () => {
    await withGpus(FULL, LITTLE);
    const first = await enqueue("first");
    await says("memory of GPU 0 is in use");
    const second = await enqueue("second", ["1"]);
    // The order stays: who is behind waits, though its GPU is free.
    expect((await here.room.runs.queue.list()).waiting[1]?.reason).toBe("Behind 1 other run.");
    await here.room.close();
    await here.open({ gpus: devices! });
    await says("memory of GPU 0 is in use");
    expect(here.room.runs.summary(first.id)?.state).toBe("queued");
    await say(LITTLE, LITTLE);
    await lives(first.id);
    await says("GPU 1 is held by first");
    await letGo("first");
    await lives(second.id);
    await letGo("second");
    expect(await ended(here.room, second.id)).toMatchObject({ state: "completed" });
  });

  test("has two runs live that name different GPUs, and ignores them when it is told to", async () => {
    await withGpus(LITTLE, LITTLE);
    const [first, second] = [await enqueue("first", ["0"]), await enqueue("second", ["1"])];
    await Promise.all([lives(first.id), lives(second.id)]);
    await say(FULL, FULL);
    await letGo("first");
    await ended(here.room, first.id);
    const third = await enqueue("third");
    await says("GPU");
    expect((await here.room.runs.queue.change({ wait_for_gpus: false })).wait_for_gpus).toBe(false);
    await lives(third.id);
  });
});
