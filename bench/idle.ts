/** What a server costs that nobody looks at, over a store of a thousand finished runs: processor time of a minute, and memory. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient } from "../protocol/client.ts";
import { newRunId } from "../protocol/ids.ts";
import type { RunRecord } from "../protocol/run.ts";
import { ensureServer } from "../server/ensure.ts";
import { platform } from "../server/launch/platform.ts";
import { writeMetricFile } from "./lib/metric-files.ts";
import type { BenchResult } from "./lib/result.ts";

const RUNS = 1000;
const POINTS = 100;
const NAMES = ["loss", "accuracy", "learning_rate"];
/** The catalogue is filled and the garbage of the start collected by then. */
const SETTLE_MS = 20_000;
const WATCHED_MS = 60_000;

export async function run(): Promise<BenchResult> {
  if (process.platform !== "linux") throw new Error("this benchmark reads /proc: it runs on Linux");
  const folder = await mkdtemp(path.join(tmpdir(), "trainyard-bench-"));
  const store = path.join(folder, ".trainyard");
  try {
    for (let i = 0; i < RUNS; i++) await writeRun(store, i);
    const server = await ensureServer({ store, packageRoot: path.resolve("."), idleExitSeconds: 600 });
    const client = createClient(server);
    try {
      const { total } = await client.call("listRuns");
      if (total !== RUNS) throw new Error(`the server shows ${String(total)} of ${String(RUNS)} runs`);
      const { pid } = server.process;
      await sleep(SETTLE_MS);
      const before = cpuMs(pid);
      const start = performance.now();
      await sleep(WATCHED_MS);
      const share = (cpuMs(pid) - before) / (performance.now() - start);
      return {
        bench: "idle",
        lines: [
          { what: "processor time over a minute, of one core", value: share * 100, unit: "%", target: { at_most: 0.5 } },
          { what: "resident memory", value: residentMb(pid), unit: "MB", target: { at_most: 80 } },
          { what: "resident memory of an empty Node that waits", value: await emptyNodeMb(), unit: "MB" },
        ],
      };
    } finally {
      await client.call("shutdown").catch(() => undefined);
      await sleep(500);
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A run that ended long ago, as the server leaves it. */
async function writeRun(store: string, index: number): Promise<void> {
  const id = newRunId();
  const dir = path.join(store, "demo", "runs", id);
  const attempt = path.join(dir, "attempts", "1");
  await mkdir(attempt, { recursive: true });
  const time = new Date(Date.UTC(2026, 0, 1) + index * 60_000).toISOString();
  const record: RunRecord = {
    version: 1,
    id,
    project: "demo",
    experiment: null,
    name: `run ${String(index)}`,
    description: "",
    notes: "",
    tags: [],
    starred: false,
    archived: false,
    state: "completed",
    state_reason: null,
    failure: null,
    recipe: "script",
    seed: index,
    parent: null,
    attempt: 1,
    created_at: time,
    started_at: time,
    ended_at: time,
    origin: "server",
    git: null,
    environment: null,
  };
  await writeFile(path.join(dir, "run.json"), JSON.stringify(record));
  await writeFile(path.join(dir, "spec.yaml"), "recipe: script\nproject: demo\nparams:\n  script: train.py\n");
  await writeFile(path.join(attempt, "report.jsonl"), "");
  await writeMetricFile(path.join(attempt, "metrics.bin"), NAMES, POINTS, (row) => [1 / (row + 1), row / POINTS, 1e-3]);
}

/** Processor time of all threads, ms; in steps of 10, which a minute makes 0.02 %. */
function cpuMs(pid: number): number {
  const info = platform.info(pid);
  if (info === null) throw new Error("the server has ended");
  return info.cpuSeconds * 1000;
}

function residentMb(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${String(pid)}/status`, "utf8"));
  return Number(match?.[1] ?? NaN) / 1024;
}

async function emptyNodeMb(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "ignore" });
  try {
    await sleep(1000);
    return residentMb(child.pid ?? 0);
  } finally {
    child.kill("SIGKILL");
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
