/** What a server costs that nobody looks at, over a store of a thousand finished runs: processor time of a minute, and memory. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "../protocol/client.ts";
import { newRunId } from "../protocol/ids.ts";
import { ensureServer } from "../server/ensure.ts";
import { writeFinishedRun } from "./lib/finished-run.ts";
import { cpuMs, residentMb } from "./lib/processes.ts";
import type { BenchResult } from "./lib/result.ts";

const RUNS = 1000;
const ROWS = 100;
const METRICS = ["loss", "accuracy", "learning_rate"];
/** The catalogue's worker has ended and the garbage of the start is collected by then (server/idle.ts). */
const SETTLE_MS = 75_000;
const WATCHED_MS = 60_000;

export async function run(): Promise<BenchResult> {
  if (process.platform !== "linux") throw new Error("this benchmark reads /proc: it runs on Linux");
  const folder = await mkdtemp(path.join(tmpdir(), "trainyard-bench-"));
  const store = path.join(folder, ".trainyard");
  try {
    const valuesOf = (row: number): number[] => [1 / (row + 1), row / ROWS, 1e-3];
    for (let i = 0; i < RUNS; i++) writeFinishedRun(store, newRunId(), i, { rows: ROWS, metrics: METRICS, valuesOf });
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

async function emptyNodeMb(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "ignore" });
  try {
    await sleep(1000);
    return residentMb(child.pid ?? 0);
  } finally {
    child.kill("SIGKILL");
  }
}
