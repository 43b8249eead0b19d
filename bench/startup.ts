/**
 * How long the server takes until its port is open and announced, and the supervisor until it starts the training, beside `node -e ""`.
 * Each process notes its own processor time and the clock at that very moment (a preloaded probe, the same for all of them), so that what
 * it loads afterwards does not count; the three take turns, so that other load on the machine meets all of them.
 */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient } from "../protocol/client.ts";
import { ensureServer } from "../server/ensure.ts";
import { isAlive } from "../server/launch/platform.ts";
import { median, quantile, type BenchResult } from "./lib/result.ts";

const ROUNDS = 31;
const AT_MOST = 1.5;

/** Notes the moment in file descriptor 3: at the end, when the server's log says that it serves, or when a child is started. */
const PROBE = `
const note = () => {
  const { user, system } = process.cpuUsage();
  require("node:fs").writeSync(3, JSON.stringify({ cpu: (user + system) / 1e3, clock: Number(process.hrtime.bigint()) / 1e6 }));
};
const before = (object, name, when) => {
  const real = object[name];
  object[name] = (...args) => {
    if (when(args)) note();
    return real(...args);
  };
};
const moment = process.env.TRAINYARD_PROBE;
if (moment === "exit") process.once("exit", note);
if (moment === "serving") before(require("node:fs"), "writeFileSync", ([, text]) => text.includes(" serving "));
if (moment === "spawn") before(require("node:child_process"), "spawn", () => true);
`;

interface Cost {
  /** Processor time of the process, ms. */
  readonly cpu: number;
  /** Time since it was started, ms. */
  readonly wall: number;
}

export async function run(): Promise<BenchResult> {
  const dist = path.resolve("dist");
  const folder = await mkdtemp(path.join(tmpdir(), "trainyard-bench-"));
  try {
    const probe = path.join(folder, "probe.cjs");
    await writeFile(probe, PROBE);
    const store = path.join(folder, "store");
    const log = path.join(folder, "server.log");
    const empty: Cost[] = [];
    const server: Cost[] = [];
    const supervisor: Cost[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const attempt = path.join(folder, `attempt-${String(round)}`);
      await mkdir(attempt);
      await writeFile(path.join(attempt, "attempt.json"), JSON.stringify({ command: ["true"], cwd: folder, env: {} }));
      const costs = [
        await measure(probe, "exit", ["-e", ""]),
        await measure(probe, "serving", [path.join(dist, "server.cjs"), "--store", store, "--detached", log]),
        await measure(probe, "spawn", [path.join(dist, "supervisor.cjs"), attempt]),
      ];
      if (round === 0) continue; // Makes the store and warms the file cache.
      for (const [i, into] of [empty, server, supervisor].entries()) into.push(costs[i] ?? { cpu: NaN, wall: NaN });
    }
    // Of the wall clock the quieter rounds count: the others tell of whatever else the machine did.
    const of = (costs: readonly Cost[], what: keyof Cost): number =>
      quantile(
        costs.map((cost) => cost[what]),
        what === "cpu" ? 0.5 : 0.25,
      );
    const ratio = (costs: readonly Cost[], what: keyof Cost): number => of(costs, what) / of(empty, what);
    return {
      bench: "startup",
      lines: [
        { what: 'node -e "", processor time', value: of(empty, "cpu"), unit: "ms" },
        { what: 'node -e "", wall', value: of(empty, "wall"), unit: "ms" },
        { what: "server until it is announced, processor time", value: of(server, "cpu"), unit: "ms" },
        { what: '  of node -e ""', value: ratio(server, "cpu"), unit: "×", target: { at_most: AT_MOST } },
        { what: "server until it is announced, wall", value: of(server, "wall"), unit: "ms" },
        { what: '  of node -e ""', value: ratio(server, "wall"), unit: "×", target: { at_most: AT_MOST } },
        { what: "supervisor until it starts the training, processor time", value: of(supervisor, "cpu"), unit: "ms" },
        { what: '  of node -e ""', value: ratio(supervisor, "cpu"), unit: "×", target: { at_most: AT_MOST } },
        { what: "ensureServer until the first answer, wall", value: await firstAnswer(path.join(folder, "first")), unit: "ms" },
      ],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Starts Node with the probe, waits for its note and ends the process. */
async function measure(probe: string, moment: string, args: readonly string[]): Promise<Cost> {
  const begun = Number(process.hrtime.bigint()) / 1e6;
  const child = spawn(process.execPath, ["--require", probe, ...args], {
    env: { ...process.env, TRAINYARD_PROBE: moment },
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const pipe = child.stdio[3];
  if (pipe === null || pipe === undefined) throw new Error("the child has no third pipe");
  const note = await new Promise<string>((resolve, reject) => {
    pipe.once("data", (data: Buffer) => {
      resolve(data.toString());
    });
    pipe.once("end", () => {
      reject(new Error(`node ${args.join(" ")} ended before it came to ${moment}`));
    });
  });
  // The supervisor ignores a polite signal, and has nothing left to do but to wait for `true`.
  if (moment === "serving") child.kill("SIGTERM");
  await ended;
  const { cpu, clock } = JSON.parse(note) as { cpu: number; clock: number };
  return { cpu, wall: clock - begun };
}

/** What a window waits for: a server is started, found and asked. Median of five. */
async function firstAnswer(store: string): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    const found = await ensureServer({ store, packageRoot: path.resolve(".") });
    times.push(performance.now() - start);
    await createClient(found).call("shutdown");
    while (isAlive(found.process)) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return median(times);
}
