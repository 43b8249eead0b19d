/**
 * What watching costs a training: the speed of a loop that is logged, supervised, tailed by a live server and subscribed to, as a share of the
 * speed of the same loop without any of it. Both are real torch trainings on one thread. They take turns in short stretches, so that other load
 * meets both, and while the bare one has its turn, server and supervisor of the other are stopped (SIGSTOP): they cannot even poll.
 * A second bare training, the twin, takes its turns too: how far it is from 100 % says how far to trust the figure.
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
const ROUNDS = 120;
/** Of the bare training, about. Short beside the waves of other load, long beside the SDK's beat of 50 ms. */
const STRETCH_SECONDS = 0.3;
const WARM_UP_STEPS = 200;
/** Before each stretch, as in the script. */
const UNCOUNTED_STEPS = 3;
/** Until server and supervisor have caught up with what they could not do while they were stopped. */
const WAKE_MS = 150;
/** To import torch on a busy machine. */
const START_MS = 120_000;
const LEAST_SPEED = 0.99;
/** Percent. */
const TWIN_MAY_DIFFER = 1;

interface Stretch {
  /** Seconds of the clock, and of the process's own processor time. */
  readonly wall: number;
  readonly cpu: number;
}

const KINDS = ["bare", "twin", "watched"] as const;
type Kind = (typeof KINDS)[number];
type Round = Readonly<Record<Kind, Stretch>>;

export async function run(): Promise<BenchResult> {
  if (process.platform === "win32") throw new Error("this benchmark stops processes by signals: it does not run on Windows");
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "trainyard-bench-")));
  const python = process.env["TRAINYARD_PYTHON"] ?? "python3";
  await copyFile(path.resolve("bench/lib", SCRIPT), path.join(folder, SCRIPT));
  const desk = await Desk.open();
  const server = await ensureServer({ store: path.join(folder, ".trainyard"), packageRoot: path.resolve("."), python, baseDir: folder });
  const client = createClient(server);
  const others: ChildProcess[] = [];
  try {
    for (const kind of ["bare", "twin"] as const) others.push(await startBare(kind, python, folder, desk.port));
    return await measure(desk, server, client);
  } finally {
    for (const other of others) other.kill("SIGKILL");
    desk.close();
    await client.call("shutdown").catch(() => undefined);
    await sleep(500);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function measure(desk: Desk, server: Discovery, client: ApiClient): Promise<BenchResult> {
  const params = { script: SCRIPT, args: [String(desk.port), "watched", "--log"] };
  const { id, run_dir: runDir } = await client.call("createRun", { body: { spec: { recipe: "script", params } } });
  const trainings = { bare: await desk.training("bare"), twin: await desk.training("twin"), watched: await desk.training("watched") };
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
    await trainings.watched.train(WARM_UP_STEPS);
    await trainings.twin.train(WARM_UP_STEPS);
    const { wall } = await trainings.bare.train(WARM_UP_STEPS);
    const steps = Math.max(1, Math.round((WARM_UP_STEPS * STRETCH_SECONDS) / wall));
    const spent = { watched: 0, watchers: 0 };
    const turn = async (kind: Kind): Promise<Stretch> => {
      signal(watchers, kind === "watched" ? "SIGCONT" : "SIGSTOP");
      await sleep(WAKE_MS);
      const before = cpuSeconds(watchers);
      const stretch = await trainings[kind].train(steps);
      if (kind === "watched") {
        spent.watched += stretch.wall;
        spent.watchers += cpuSeconds(watchers) - before;
      }
      return stretch;
    };
    const rounds: Round[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const stretches: Partial<Record<Kind, Stretch>> = {};
      // Who comes first changes, so that a load that grows or fades favours nobody.
      for (const kind of [...KINDS.slice(i % KINDS.length), ...KINDS.slice(0, i % KINDS.length)]) stretches[kind] = await turn(kind);
      rounds.push(stretches as Round);
    }
    signal(watchers, "SIGCONT");
    const framesMeanwhile = frames;
    trainings.watched.end();
    await untilLogged(client, id, WARM_UP_STEPS + ROUNDS * steps + (ROUNDS + 1) * UNCOUNTED_STEPS);
    return result(rounds, steps, framesMeanwhile, spent.watchers / spent.watched);
  } finally {
    signal(watchers, "SIGCONT");
    subscriber.close();
  }
}

function result(rounds: readonly Round[], steps: number, frames: number, watchersShare: number): BenchResult {
  const speed = (kind: Kind, clock: keyof Stretch): number => median(rounds.map((round) => round.bare[clock] / round[kind][clock])) * 100;
  const perStep = (kind: Kind): number => (median(rounds.map((round) => round[kind].wall)) / steps) * 1000;
  const target = { at_least: LEAST_SPEED * 100 };
  // Where even two equal trainings differ by the clock, it says more about the other load of the machine.
  const quiet = Math.abs(speed("twin", "wall") - 100) <= TWIN_MAY_DIFFER;
  return {
    bench: "cost",
    lines: [
      { what: `a step of the bare training (${steps} in a stretch)`, value: perStep("bare"), unit: "ms" },
      { what: "a step of the watched one", value: perStep("watched"), unit: "ms" },
      { what: "speed of the watched training, wall", value: speed("watched", "wall"), unit: "%", ...(quiet && { target }) },
      { what: "  by the training's own processor time", value: speed("watched", "cpu"), unit: "%", target },
      {
        what: `speed of the twin, wall${quiet ? "" : " (too busy a machine for the clock to tell)"}`,
        value: speed("twin", "wall"),
        unit: "%",
      },
      { what: "  by its processor time", value: speed("twin", "cpu"), unit: "%" },
      { what: "server and supervisor meanwhile, of one core", value: watchersShare * 100, unit: "%" },
      { what: "frames that the subscriber got", value: frames, unit: "", target: { at_least: rounds.length } },
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

async function startBare(kind: Kind, python: string, folder: string, port: number): Promise<ChildProcess> {
  const output = await open(path.join(folder, `${kind}.log`), "w");
  // In a session of its own, as the other one is: Linux shares the processors among sessions first.
  const child = spawn(python, [path.join(folder, SCRIPT), String(port), kind], { detached: true, stdio: ["ignore", output.fd, output.fd] });
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
  /** By their names. */
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
  async training(kind: Kind): Promise<Training> {
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
