import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SystemSample } from "../../protocol/system.ts";
import { createDevices } from "../../server/devices/devices.ts";
import { RunSamples } from "../../server/devices/run-samples.ts";
import { openSeries } from "../../server/series/series.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunFolder, RunStore } from "../../server/store/types.ts";
import { attemptRecord, resolvedSpec, runRecord } from "../store/fixtures.ts";

let root: string;
let store: RunStore;
let run: RunFolder;

beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), "ty-devices-"));
  store = await openStore(path.join(root, "store"));
  const record = runRecord({ state: "running", attempt: 2 });
  run = await store.create(record, { specYaml: "", resolved: resolvedSpec(record.id, root) });
  for (const number of [1, 2]) {
    await store.writeAttempt(record.id, attemptRecord({ number, kind: number === 1 ? "start" : "continue" }));
  }
});
afterEach(async () => {
  store.close();
  await rm(root, { recursive: true, force: true });
});

async function wait(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 300 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
}

it("samples for listeners, keeps the samples of live runs, and numbers them through all attempts and servers", async () => {
  const live = new Map([[run.record.id, { attempt: 1 }]]);
  const logged: string[] = [];
  const smi = path.join(root, "nvidia-smi");
  await writeFile(smi, `#!/bin/sh\nwhile :; do echo '0, GPU-a, Tesla, 50, 1, 2, [N/A], 4, 5'; sleep 0.02; done\n`);
  await chmod(smi, 0o755);
  const open = () =>
    createDevices({
      storeRoot: store.root,
      liveProcesses: () => live,
      runSamples: new RunSamples(store, (text) => logged.push(text)),
      log: (text) => logged.push(text),
      intervalMs: 30,
      nvidiaSmi: smi,
    });
  let total = 0;
  // A second attempt, and after it a second server on the same attempt.
  for (const attempt of [1, 2, 2]) {
    live.set(run.record.id, { attempt });
    const devices = open();
    const samples: SystemSample[] = [];
    const stop = devices.onSample((sample) => samples.push(sample));
    devices.noteUsage(run.record.id, { time: Date.now(), cpu_percent: 12, rss_bytes: 34, processes: 1 });
    await wait(() => samples.length >= 6 && samples.at(-1)?.gpus[0]?.utilization_percent === 50);
    stop();
    for (const sample of samples) SystemSample.parse(sample);
    expect(samples.at(-1)?.gpus[0]).toMatchObject({ name: "Tesla", temperature_celsius: null });
    expect(await devices.gpuNames()).toEqual(["Tesla"]);
    expect((await devices.history(1)).length).toBeGreaterThanOrEqual(6);
    await devices.close();
    const series = openSeries(store, run.record.id, "system");
    await series.poll();
    const [memory] = series.window({ metrics: ["sys/memory_used_bytes"], maxPoints: 10_000 });
    const steps = [...(memory?.steps ?? [])];
    expect(steps).toEqual(steps.map((_, i) => i));
    expect(steps.length).toBeGreaterThan(total);
    total = steps.length;
    expect(series.list().map((info) => info.name)).toEqual(expect.arrayContaining(["sys/gpu0/utilization_percent", "sys/run/rss_bytes"]));
    expect(series.list().some((info) => info.name.includes("temperature"))).toBe(false);
    series.close();
  }
  expect(logged).toEqual([]);
});

it("loses only the samples of a run whose file cannot be written", async () => {
  const logged: string[] = [];
  const samples = new RunSamples(store, (text) => logged.push(text));
  await writeFile(run.paths.attempt(2).system, "this is no metric file at all");
  const sample: SystemSample = {
    time: 1,
    cpu_percent: 1,
    memory_used_bytes: null,
    memory_total_bytes: null,
    disk_free_bytes: null,
    disk_total_bytes: null,
    gpus: [],
  };
  const live = new Map([[run.record.id, { attempt: 2 }]]);
  await samples.write(live, sample, new Map());
  await samples.write(live, sample, new Map());
  expect(logged.length).toBe(1);
  expect(logged[0]).toContain(run.record.id);
  await samples.close();
});
