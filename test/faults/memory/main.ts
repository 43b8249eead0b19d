/** Eight live runs, visitors that come and go, and the server's memory meanwhile (scripts/faults.mjs); prints the table. */
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../../../protocol/client.ts";
import type { RunId } from "../../../protocol/ids.ts";
import { until } from "../../support/processes.ts";
import { endServer, readDiscovery } from "../../support/store.ts";
import { chance } from "../chaos/random.ts";
import { ServerLife } from "../chaos/server.ts";
import { formatStretches, judge, type Flatness } from "./flatness.ts";
import { freePort, HeapProbe, residentMemory, type MemorySample } from "./server-process.ts";
import { letVisit, type Address, type VisitCounts } from "./visitors.ts";

const RUNS = 8;
const METRICS = 10;
const SAMPLES = 600;
/** Node's heap and the caches have found their size by then, and what the start took was given back: a sixth of the time, within these. */
const WARM_UP_MS = { least: 35_000, most: 600_000 };

export interface MemoryOrder {
  /** From the moment when all runs are live, the warm-up included. */
  readonly minutes: number;
  readonly seed: number;
  /** Steps that each training logs per second; the promise is for 20. */
  readonly perSecond: number;
}

/** @returns the exit code */
export async function main(order: MemoryOrder): Promise<number> {
  if (process.platform !== "linux") throw new Error("the memory of the server is read from /proc: this needs Linux");
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), "trainyard-memory-")));
  const store = path.join(folder, ".trainyard");
  try {
    return await measure(store, order);
  } finally {
    await endServer(store);
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

async function measure(store: string, order: MemoryOrder): Promise<number> {
  const port = await freePort();
  process.env["TRAINYARD_SERVER_INSPECT"] = `127.0.0.1:${port}`;
  const server = new ServerLife(store, [], new Set());
  await server.ensure();
  delete process.env["TRAINYARD_SERVER_INSPECT"];
  const { url, token, process: identity } = await readDiscovery(store);
  const client = server.client();
  const runs = await startRuns(client, order);
  const totalMs = order.minutes * 60_000;
  const warmUpMs = Math.min(WARM_UP_MS.most, Math.max(WARM_UP_MS.least, totalMs / 6));
  const end = Date.now() + totalMs;

  const counts: VisitCounts = { visits: 0, answers: 0, messages: 0, frameBytes: 0 };
  const address: Address = { url, token };
  const visiting = letVisit(address, runs, chance(order.seed), end, counts);
  await sleep(warmUpMs);
  const samples = await sample(identity.pid, port, end);
  await visiting;
  const { logged, lost } = await compare(client, runs);
  const flatness = judge(samples);
  process.stdout.write(formatStretches(flatness));
  process.stdout.write(report(order, warmUpMs, counts, logged, lost, flatness));
  return flatness.flat && lost === 0 ? 0 : 1;
}

async function startRuns(client: ApiClient, order: MemoryOrder): Promise<RunId[]> {
  const command = [process.env["TRAINYARD_TEST_PYTHON"] ?? "python3", path.resolve("test/faults/memory/training.py")];
  command.push("--metrics", String(METRICS), "--per-second", String(order.perSecond));
  const runs: RunId[] = [];
  for (let number = 1; number <= RUNS; number++) {
    const spec = { name: `run ${number}`, recipe: "command", params: { command } };
    runs.push((await client.call("createRun", { body: { spec, start: true } })).id);
  }
  await until("points of every run", async () => {
    const known = await Promise.all(runs.map((id) => client.call("listSeries", { params: { id } })));
    return known.every((answer) => answer.series.length === METRICS);
  });
  return runs;
}

/** @param end ms since the epoch */
async function sample(pid: number, port: number, end: number): Promise<MemorySample[]> {
  const probe = await HeapProbe.connect(port);
  const samples: MemorySample[] = [];
  const begin = Date.now();
  const everyMs = (end - begin) / SAMPLES;
  try {
    for (let next = begin; Date.now() < end; next += everyMs) {
      await sleep(Math.max(0, next - Date.now()));
      const heap = await probe.usage();
      const at = (Date.now() - begin) / 1000;
      samples.push({ at, ...residentMemory(pid), heapUsed: heap.used, heapTotal: heap.total });
      if (samples.length % (SAMPLES / 12) === 0) {
        const { resident, heapUsed } = samples.at(-1)!;
        process.stderr.write(`memory after ${at.toFixed(0)} s: ${resident.toFixed(1)} MiB, heap ${heapUsed.toFixed(1)} MiB\n`);
      }
    }
  } finally {
    probe.close();
  }
  return samples;
}

/** Stops the trainings; what they say they logged, against what the server has. */
async function compare(client: ApiClient, runs: readonly RunId[]): Promise<{ logged: number; lost: number }> {
  let logged = 0;
  let lost = 0;
  for (const id of runs) await client.call("cancelRun", { params: { id }, body: { reason: "enough was measured" } });
  for (const id of runs) {
    const run = await until(`the end of ${id}`, async () => {
      const now = await client.call("getRun", { params: { id } });
      return now.ended_at === null ? null : now;
    });
    if (run.state !== "cancelled") throw new Error(`${run.name} ended as ${run.state}: ${run.state_reason ?? ""}`);
    const log = await readFile(path.join(run.run_dir, "attempts", "1", "log"), "utf8");
    const steps = Number(/^logged (\d+) steps$/m.exec(log)?.[1] ?? NaN);
    const { series } = await client.call("listSeries", { params: { id } });
    logged += steps * METRICS;
    lost += steps * METRICS - series.reduce((sum, one) => sum + one.count, 0);
  }
  return { logged, lost };
}

function report(order: MemoryOrder, warmUpMs: number, counts: VisitCounts, logged: number, lost: number, flatness: Flatness): string {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const rows: [string, string][] = [
    ["seed", String(order.seed)],
    ["live runs", `${RUNS}, each ${METRICS} metrics × ${order.perSecond} steps/s`],
    ["measured", `${order.minutes} minutes, the first ${(warmUpMs / 60_000).toFixed(1)} of them to warm up`],
    [
      "visits",
      `${counts.visits} (${counts.answers} answers, ${counts.messages} messages, ${(counts.frameBytes / 2 ** 20).toFixed(1)} MiB of frames)`,
    ],
    ["points logged", String(logged)],
    ["points lost", String(lost)],
    ["resident memory, mean", `${flatness.mean.toFixed(1)} MiB`],
    ["farthest stretch from the mean", `${percent(flatness.worstStretch)} (at most 10 %)`],
    ["farthest single sample", percent(flatness.worstSample)],
    ["flat", flatness.flat ? "yes" : "NO"],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return `${rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n")}\n`;
}
