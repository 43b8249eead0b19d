/**
 * The whole server over a store of many real run folders (`npm run bench -- store [runs]`, 100,000 unless said): read for the first time, and
 * started again from what it keeps. Its reference is the reading of the folders alone: what a program without an index has to do.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { addressAt } from "../protocol/address.ts";
import { createClient, type ApiClient } from "../protocol/client.ts";
import { WS_PATH, WS_PROTOCOL, type ClientMessage } from "../protocol/messages.ts";
import type { StreamAddress } from "../protocol/stream-client.ts";
import { ensureServer } from "../server/ensure.ts";
import { isAlive } from "../server/launch/platform.ts";
import { writeFinishedRun } from "./lib/finished-run.ts";
import { metricsOf, paramsOf, runIdOf } from "./lib/many-runs.ts";
import { cpuMs, residentMb } from "./lib/processes.ts";
import type { BenchResult } from "./lib/result.ts";

const ROWS = 3;
const SETTLE_MS = 75_000;
const WATCHED_MS = 60_000;
/** Between the servers: the disk takes what the first one wrote. */
const PAUSE_MS = 5_000;
const FIRST_READ_MS = 20 * 60_000;
/** ms over HTTP and MB of the server that is asked, for stores up to so many runs; above, what a hundred thousand may take. */
const SMALL = { runs: 10_000, page: 5, fields: 5, group: 5, memory: 150 };
const LARGE = { page: 20, fields: 50, group: 20, memory: 700 };
const ROUNDS = 9;
const GROUPS = { group_by: ["params.optim", "params.model"], values: ["metrics.eval/loss:min"] };
const QUERY = {
  fields: ["record.name", "params.optim", "metrics.eval/loss:min"],
  filter: 'params.optim = "adamw" and metrics.loss < 2',
  sort: ["metrics.eval/loss:min"],
  limit: 50,
};

export async function run(): Promise<BenchResult> {
  const runs = Number(process.argv[2] ?? 100_000);
  const folder = await mkdtemp(path.join(tmpdir(), "trainyard-bench-"));
  const store = path.join(folder, ".trainyard");
  try {
    for (let n = 0; n < runs; n++) {
      const metrics = metricsOf(n);
      const last = Object.values(metrics).map((metric) => Number(metric.last));
      const valuesOf = (row: number): number[] => last.map((value) => value * (ROWS - row));
      writeFinishedRun(store, runIdOf(n), n, { rows: ROWS, metrics: Object.keys(metrics), valuesOf, params: paramsOf(n) });
    }
    note(`${String(runs)} run folders are written`);
    const naive = await readAll(path.join(store, "demo", "runs"));
    const first = await start(store, runs);
    const firstPeak = residentMb(first.pid, "VmHWM");
    await first.end();
    note("the first server has read them and has ended");
    await sleep(PAUSE_MS);
    const again = await start(store, runs);
    try {
      const target = runs <= SMALL.runs ? SMALL : LARGE;
      const page = await median(() => again.client.call("queryRuns", { body: QUERY }));
      const fields = await median(() => again.client.call("listFields"));
      const group = await median(() => again.client.call("aggregate", { body: GROUPS }));
      let listBytes = 0;
      const list = await median(async () => {
        listBytes = await firstMessage(again.address);
      });
      await sleep(SETTLE_MS);
      const before = cpuMs(again.pid);
      const since = performance.now();
      await sleep(WATCHED_MS);
      const share = (cpuMs(again.pid) - before) / (performance.now() - since);
      return {
        bench: "store",
        lines: [
          { what: `reading run.json and report of ${String(runs)} runs, nothing else`, value: naive / 1000, unit: "s" },
          { what: "first server: announced and answering", value: first.listening / 1000, unit: "s" },
          { what: "  first page of the list", value: first.list / 1000, unit: "s" },
          { what: "  all runs read and in the catalogue", value: first.whole / 1000, unit: "s" },
          { what: "  most memory", value: firstPeak, unit: "MB", target: { at_most: 700 } },
          { what: "next server: announced and answering", value: again.listening / 1000, unit: "s" },
          { what: "  first page of the list", value: again.list / 1000, unit: "s", target: { at_most: 2 } },
          { what: "  all runs in the catalogue, two filters and a sort", value: again.whole / 1000, unit: "s" },
          { what: "  the same page again", value: page, unit: "ms", target: { at_most: target.page } },
          { what: "  field index", value: fields, unit: "ms", target: { at_most: target.fields } },
          { what: "  group by two params", value: group, unit: "ms", target: { at_most: target.group } },
          { what: "  a window that opens: connected, with its list of runs", value: list, unit: "ms" },
          { what: "  the first message of that list", value: listBytes / 1e6, unit: "MB", target: { at_most: 2 } },
          { what: "  most memory", value: residentMb(again.pid, "VmHWM"), unit: "MB", target: { at_most: target.memory } },
          { what: "  memory when nobody has looked for a while", value: residentMb(again.pid), unit: "MB" },
          { what: "  processor time over a minute then, of one core", value: share * 100, unit: "%", target: { at_most: 0.5 } },
        ],
      };
    } finally {
      await again.end();
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** It takes minutes. */
function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

interface Started {
  readonly pid: number;
  readonly client: ApiClient;
  readonly address: StreamAddress;
  /** ms since the start was asked for. */
  readonly listening: number;
  readonly list: number;
  readonly whole: number;
  end(): Promise<void>;
}

async function start(store: string, runs: number): Promise<Started> {
  const begun = performance.now();
  const server = await ensureServer({ store, packageRoot: path.resolve("."), idleExitSeconds: 3600, timeoutMs: 60_000 });
  // While folders are read for the first time the catalogue may take longer to answer than a window would wait.
  const client = createClient({ ...server, timeoutMs: FIRST_READ_MS });
  const end = async (): Promise<void> => {
    await client.call("shutdown").catch(() => undefined);
    while (isAlive(server.process)) await sleep(50);
  };
  try {
    return { ...(await measure(client, begun, runs)), pid: server.process.pid, client, address: server, end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function measure(client: ApiClient, begun: number, runs: number): Promise<Pick<Started, "listening" | "list" | "whole">> {
  const listening = performance.now() - begun;
  const { total } = await client.call("listRuns", { query: { limit: 50 } });
  if (total !== runs) throw new Error(`the server shows ${String(total)} of ${String(runs)} runs`);
  const list = performance.now() - begun;
  for (;;) {
    const all = await client.call("queryRuns", { body: { ...QUERY, filter: "metrics.loss >= 0", limit: 1 } });
    if (all.total === runs) break;
    if (performance.now() - begun > FIRST_READ_MS) throw new Error(`only ${String(all.total)} of ${String(runs)} runs were read`);
    await sleep(200);
  }
  await client.call("queryRuns", { body: QUERY });
  const whole = performance.now() - begun;
  return { listening, list, whole };
}

/** Subscribes to the list of runs. @returns bytes of the first message */
function firstMessage({ url, token }: StreamAddress): Promise<number> {
  const address = addressAt(url, WS_PATH);
  address.protocol = "ws:";
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address, [WS_PROTOCOL, `bearer.${token}`], { perMessageDeflate: false });
    socket.on("error", reject);
    socket.on("open", () => {
      const subscribe: ClientMessage = { type: "subscribe", id: 1, topic: { topic: "runs" } };
      socket.send(JSON.stringify(subscribe));
    });
    socket.on("message", (data: Buffer) => {
      if (!data.toString("utf8", 0, 20).startsWith('{"type":"runs"')) return; // The welcome.
      socket.close();
      resolve(data.length);
    });
  });
}

/** What a program without an index reads for the same list. @returns ms */
function readAll(runsFolder: string): Promise<number> {
  return timed(async () => {
    for (const name of await readdir(runsFolder)) {
      const dir = path.join(runsFolder, name);
      JSON.parse(await readFile(path.join(dir, "run.json"), "utf8"));
      await readFile(path.join(dir, "attempts", "1", "report.jsonl"), "utf8");
    }
  });
}

/** @returns ms */
async function median(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) times.push(await timed(work));
  return times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? NaN;
}

/** @returns ms */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
