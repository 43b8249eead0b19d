/**
 * From the logging call to whoever looks, with eight live runs: to the message at a WebSocket client (what the extension host gets and a
 * panel of the editor is fed with), and to the drawn pixel of the dashboard in Chromium. Each logged value is the time of its own call, so
 * that every single point tells its way, and one that was lost or came twice is noticed. The reference is the time that the same machine
 * takes for nothing but a timer of the server's beat (100 ms), which a point waits for half of on average.
 */
import { copyFile, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { tableFromIPC } from "apache-arrow";
import { chromium } from "playwright-core";
import WebSocket from "ws";
import { createClient, type ApiClient } from "../protocol/client.ts";
import { createStreamClient } from "../protocol/stream-client.ts";
import { ensureServer } from "../server/ensure.ts";
import { drawnDelays, prepareNoting } from "./lib/drawn-points.ts";
import { quantile, type BenchLine, type BenchResult } from "./lib/result.ts";

const RUNS = 8;
const SECONDS = 30;
const METRIC = "sent_at";
const SUBSCRIBED = [METRIC, "loss"];
const BEAT_MS = 100;

export async function run(): Promise<BenchResult> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "trainyard-bench-")));
  const store = path.join(folder, ".trainyard");
  await copyFile(path.resolve("bench/lib/live_run.py"), path.join(folder, "live_run.py"));
  const python = process.env["TRAINYARD_PYTHON"] ?? "python3";
  const server = await ensureServer({ store, packageRoot: path.resolve("."), python, baseDir: folder, idleExitSeconds: 300 });
  const client = createClient(server);
  try {
    const watchers = await Promise.all(Array.from({ length: RUNS }, () => watch(client, server)));
    await until("points of every run", () => watchers.every((watcher) => watcher.values.length > 0));
    const allLive = Date.now();
    const drawn = drawnPoints(`${server.url}/#token=${server.token}&run=${watchers[0]?.run ?? ""}`);
    const late: number[] = [];
    for (let i = 0; i < 100; i++) {
      const start = performance.now();
      await new Promise((resolve) => setTimeout(resolve, BEAT_MS));
      late.push(performance.now() - start);
    }
    await until("the end of every run", () => watchers.every((watcher) => watcher.ended));
    const pixels = await drawn;
    const delays = watchers.flatMap((watcher) => watcher.delays.filter((_, i) => (watcher.values[i] ?? 0) > allLive));
    const odd = watchers.reduce((sum, watcher) => sum + watcher.odd, 0);
    for (const watcher of watchers) watcher.close();
    if (delays.length < 1000 || pixels.length < 100) {
      throw new Error(`only ${String(delays.length)} points came while all runs lived, ${String(pixels.length)} were drawn`);
    }
    return {
      bench: "delivery",
      lines: [
        { what: "a timer of 100 ms, median", value: quantile(late, 0.5), unit: "ms" },
        {
          what: `log call → WebSocket client, ${String(RUNS)} live runs, median`,
          value: quantile(delays, 0.5),
          unit: "ms",
          target: { at_most: 150 },
        },
        { what: "  95th percentile", value: quantile(delays, 0.95), unit: "ms", target: { at_most: 400 } },
        ...pixelLines(pixels),
        { what: "points received", value: delays.length, unit: "" },
        { what: "points lost, doubled or out of order", value: odd, unit: "", target: { at_most: 0 } },
      ],
    };
  } finally {
    await client.call("shutdown").catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function pixelLines(pixels: readonly number[]): BenchLine[] {
  return [
    { what: "log call → drawn pixel in Chromium, median", value: quantile(pixels, 0.5), unit: "ms", target: { at_most: 150 } },
    { what: "  95th percentile", value: quantile(pixels, 0.95), unit: "ms", target: { at_most: 400 } },
  ];
}

interface Watcher {
  readonly run: string;
  /** The points of the metric in the order in which they came, and how long each was on its way, ms. */
  readonly values: number[];
  readonly delays: number[];
  /** Points that were not the next step. */
  readonly odd: number;
  readonly ended: boolean;
  close(): void;
}

/** Starts a run and subscribes to it on a connection of its own. */
async function watch(client: ApiClient, address: { url: string; token: string }): Promise<Watcher> {
  const { id } = await client.call("createRun", {
    body: { spec: { recipe: "script", params: { script: "live_run.py", args: [String(SECONDS)] } } },
  });
  const stream = createStreamClient({ address: () => address, connect: (url, protocols) => new WebSocket(url, protocols) });
  const state = {
    run: id,
    values: [] as number[],
    delays: [] as number[],
    odd: 0,
    ended: false,
    close: () => {
      stream.close();
    },
  };
  let next = 0;
  stream.subscribe(
    { topic: "series", run: id, metrics: SUBSCRIBED, cursor: {} },
    {
      onFrame: (header, body) => {
        const now = performance.timeOrigin + performance.now();
        const table = tableFromIPC(body);
        const column = (name: string): number[] => Array.from((table.getChild(name)?.toArray() ?? []) as ArrayLike<number>);
        const [series, steps, values] = [column("series"), column("step"), column("value")];
        for (const [row, step] of steps.entries()) {
          if (header.series[series[row] ?? -1] !== METRIC) continue;
          if (step !== next) state.odd++;
          next = step + 1;
          state.values.push(values[row] ?? NaN);
          state.delays.push(now - (values[row] ?? NaN));
        }
      },
    },
  );
  stream.subscribe(
    { topic: "run", run: id },
    {
      onMessage: (message) => {
        if (message.type !== "run" || message.run.ended_at === null) return;
        if (message.run.state !== "completed") throw new Error(`a run ended as ${message.run.state}: ${message.run.state_reason ?? ""}`);
        // The last points come with or after the news of the end.
        setTimeout(() => {
          state.odd += Math.abs(SECONDS * 20 - next);
          state.ended = true;
        }, 2_000);
      },
    },
  );
  return state;
}

/** How long each point of the dashboard's chart was on its way until a frame that shows it was painted, ms. */
async function drawnPoints(url: string): Promise<number[]> {
  const browser = await chromium.launch({
    executablePath: process.env["TRAINYARD_TEST_BROWSER"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    await prepareNoting(page, METRIC);
    await page.goto(url);
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    return await drawnDelays(page);
  } finally {
    await browser.close();
  }
}

async function until(what: string, met: () => boolean): Promise<void> {
  for (let i = 0; i < (SECONDS + 60) * 10; i++) {
    if (met()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not come`);
}
