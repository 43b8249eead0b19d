/**
 * What watching costs a training: the speed of a loop that is logged, supervised, tailed by a live server and subscribed to, as a share of the
 * speed of the same loop without any of it. Both are real torch trainings on one thread. They take turns in short stretches, so that other load
 * meets both, and while the bare one has its turn, server and supervisor of the other are stopped (SIGSTOP): they cannot even poll.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { copyFile, mkdtemp, open, readFile, realpath, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { createClient, type ApiClient } from "../protocol/client.ts";
import type { Discovery } from "../protocol/discovery.ts";
import { ProcessRecord } from "../protocol/run.ts";
import { createStreamClient } from "../protocol/stream-client.ts";
import { ensureServer } from "../server/ensure.ts";
import { platform } from "../server/launch/platform.ts";
import { median, type BenchResult } from "./lib/result.ts";

const SCRIPT = "cost_training.py";
const PAIRS = 120;
/** Of the bare training, about. Short beside the waves of other load, long beside the SDK's beat of 50 ms. */
const STRETCH_SECONDS = 0.3;
const WARM_UP_STEPS = 200;
/** Until server and supervisor have caught up with what they could not do while they were stopped. */
const WAKE_MS = 150;
/** To import torch on a busy machine. */
const START_MS = 120_000;
const LEAST_SPEED = 0.99;

interface Stretch {
  /** Seconds of the clock, and of the process's own processor time. */
  readonly wall: number;
  readonly cpu: number;
}

interface Pair {
  readonly bare: Stretch;
  readonly watched: Stretch;
}

export async function run(): Promise<BenchResult> {
  if (process.platform === "win32") throw new Error("this benchmark stops processes by signals: it does not run on Windows");
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "trainyard-bench-")));
  const python = process.env["TRAINYARD_PYTHON"] ?? "python3";
  await copyFile(path.resolve("bench/lib", SCRIPT), path.join(folder, SCRIPT));
  const desk = await Desk.open();
  const server = await ensureServer({ store: path.join(folder, ".trainyard"), packageRoot: path.resolve("."), python, baseDir: folder });
  const client = createClient(server);
  let bare: ChildProcess | null = null;
  try {
    bare = await startBare(python, folder, desk.port);
    return await measure(desk, server, client);
  } finally {
    bare?.kill("SIGKILL");
    desk.close();
    await client.call("shutdown").catch(() => undefined);
    await sleep(500);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function measure(desk: Desk, server: Discovery, client: ApiClient): Promise<BenchResult> {
  const params = { script: SCRIPT, args: [String(desk.port), "--log"] };
  const { id, run_dir: runDir } = await client.call("createRun", { body: { spec: { recipe: "script", params } } });
  const [bare, watched] = [await desk.training("bare"), await desk.training("logging")];
  const record = ProcessRecord.parse(JSON.parse(await readFile(path.join(runDir, "attempts", "1", "process.json"), "utf8")));
  if (record.supervisor === null) throw new Error("the training has no supervisor");
  const watchers = [server.process.pid, record.supervisor.pid];
  const subscriber = createStreamClient({ address: () => server, connect: (url, protocols) => new WebSocket(url, protocols) });
  let frames = 0;
  subscriber.subscribe({ topic: "series", run: id, metrics: ["*"], cursor: {} }, { onFrame: () => (frames += 1) });
  subscriber.subscribe({ topic: "run", run: id }, {});
  subscriber.subscribe({ topic: "log", run: id, attempt: 1, offset: 0 }, {});
  subscriber.subscribe({ topic: "system" }, {});
  try {
    await watched.train(WARM_UP_STEPS);
    const { wall } = await bare.train(WARM_UP_STEPS);
    const steps = Math.max(1, Math.round((WARM_UP_STEPS * STRETCH_SECONDS) / wall));
    const pairs: Pair[] = [];
    const spent = { watched: 0, watchers: 0 };
    const bareTurn = async (): Promise<Stretch> => {
      signal(watchers, "SIGSTOP");
      try {
        return await bare.train(steps);
      } finally {
        signal(watchers, "SIGCONT");
      }
    };
    const watchedTurn = async (): Promise<Stretch> => {
      await sleep(WAKE_MS);
      const before = cpuSeconds(watchers);
      const stretch = await watched.train(steps);
      spent.watched += stretch.wall;
      spent.watchers += cpuSeconds(watchers) - before;
      return stretch;
    };
    for (let i = 0; i < PAIRS; i++) {
      // Who comes first changes, so that a load that grows or fades favours neither.
      if (i % 2 === 0) pairs.push({ bare: await bareTurn(), watched: await watchedTurn() });
      else {
        const first = await watchedTurn();
        pairs.push({ bare: await bareTurn(), watched: first });
      }
    }
    const framesMeanwhile = frames;
    watched.end();
    await untilLogged(client, id, WARM_UP_STEPS + PAIRS * steps);
    return result(pairs, steps, framesMeanwhile, spent.watchers / spent.watched);
  } finally {
    signal(watchers, "SIGCONT");
    subscriber.close();
  }
}

function result(pairs: readonly Pair[], steps: number, frames: number, watchersShare: number): BenchResult {
  const speed = (clock: keyof Stretch): number => median(pairs.map(({ bare, watched }) => bare[clock] / watched[clock])) * 100;
  const perStep = (kind: keyof Pair, clock: keyof Stretch): number => (median(pairs.map((pair) => pair[kind][clock])) / steps) * 1000;
  return {
    bench: "cost",
    lines: [
      { what: "a step of the bare training, wall", value: perStep("bare", "wall"), unit: "ms" },
      { what: "a step of the watched one, wall", value: perStep("watched", "wall"), unit: "ms" },
      { what: "speed of the watched training, wall", value: speed("wall"), unit: "%", target: { at_least: LEAST_SPEED * 100 } },
      { what: "  by the training's own processor time", value: speed("cpu"), unit: "%", target: { at_least: LEAST_SPEED * 100 } },
      { what: "server and supervisor meanwhile, of one core", value: watchersShare * 100, unit: "%" },
      { what: "frames that the subscriber got", value: frames, unit: "", target: { at_least: pairs.length } },
      { what: "steps in a stretch", value: steps, unit: "" },
    ],
  };
}

/** Every step must have arrived: a training that is watched badly costs little. */
async function untilLogged(client: ApiClient, id: string, steps: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const { ended_at: ended } = await client.call("getRun", { params: { id } });
    const { series } = await client.call("listSeries", { params: { id } });
    if (ended !== null && series.length === 10 && series.every((one) => one.count === steps)) return;
    await sleep(100);
  }
  throw new Error(`the server does not have the ${steps} steps of the watched training`);
}

async function startBare(python: string, folder: string, port: number): Promise<ChildProcess> {
  const output = await open(path.join(folder, "bare.log"), "w");
  // In a session of its own, as the other one is: Linux shares the processors among sessions first.
  const child = spawn(python, [path.join(folder, SCRIPT), String(port)], { detached: true, stdio: ["ignore", output.fd, output.fd] });
  await output.close();
  return child;
}

/** To those that are still there: the supervisor ends with its training. */
function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) if (platform.info(pid) !== null) process.kill(pid, name);
}

function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (platform.info(pid)?.cpuSeconds ?? 0), 0);
}

/** Where the trainings come for their orders. */
class Desk {
  readonly port: number;
  readonly #server: Server;
  readonly #arrived = new Map<string, Training>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on("connection", (socket) => {
      const training = new Training(socket);
      void training.next().then((kind) => this.#arrived.set(kind, training));
    });
  }

  static async open(): Promise<Desk> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port was given");
    return new Desk(server, address.port);
  }

  /** @throws Error when it does not come */
  async training(kind: "bare" | "logging"): Promise<Training> {
    for (let waited = 0; waited < START_MS; waited += 100) {
      const arrived = this.#arrived.get(kind);
      if (arrived !== undefined) return arrived;
      await sleep(100);
    }
    throw new Error(`the ${kind} training did not start: does this Python have torch?`);
  }

  close(): void {
    for (const training of this.#arrived.values()) training.end();
    this.#server.close();
  }
}

class Training {
  readonly #socket: Socket;
  readonly #lines: string[] = [];
  #wake: (() => void) | null = null;
  #gone = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    const wake = (): void => {
      this.#wake?.();
      this.#wake = null;
    };
    socket.on("error", () => undefined);
    createInterface(socket).on("line", (line) => {
      this.#lines.push(line);
      wake();
    });
    socket.on("close", () => {
      this.#gone = true;
      wake();
    });
  }

  /** @throws Error when the training has ended */
  async next(): Promise<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.#gone) throw new Error("a training has ended before its time");
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async train(steps: number): Promise<Stretch> {
    this.#socket.write(`${steps}\n`);
    return JSON.parse(await this.next()) as Stretch;
  }

  end(): void {
    this.#socket.end();
  }
}
