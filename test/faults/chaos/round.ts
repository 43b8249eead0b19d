/** One round: a store of its own, some trainings, their ambushes; then a fresh server's view of it all against the journals. */
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunState } from "../../../protocol/states.ts";
import { FINAL_STATES } from "../../../protocol/state-kinds.ts";
import { killQuietly } from "../../support/processes.ts";
import { lieInWait } from "./ambushes.ts";
import { readJournal } from "./journal.ts";
import type { Kill, RunFacts } from "./judge.ts";
import type { RoundPlan, TrainingPlan } from "./plan.ts";
import { ServerLife } from "./server.ts";
import { processesOf } from "./system.ts";
import { verifyRun, type Verdict } from "./verify.ts";

/** A run that is not over so long after the longest death of its server is stuck. */
const ROUND_LIMIT_MS = 120_000;
/** Processes that are told to be dead may need a moment to be gone. */
const ORPHAN_GRACE_MS = 3000;

export interface RoundResult {
  /** Of all runs, the server's deaths by an ambush among them. */
  readonly kills: readonly Kill[];
  /** Deaths of servers that had just come back, and those at the end of the round, after which everything is read anew. */
  readonly moreServerDeaths: number;
  readonly longestDowntimeMs: number;
  readonly torchrunPairs: number;
  readonly verdicts: readonly Verdict[];
  /** In words; none is right. */
  readonly orphans: readonly string[];
}

interface Ride {
  readonly plan: TrainingPlan;
  readonly journalFile: string;
  readonly kills: Kill[];
  id: string | null;
  stop: RunFacts["stop"];
  firstFinal: RunState | null;
  /** It could not be created, or it has ended. */
  over: boolean;
}

export interface RoundOptions {
  readonly python: string;
  readonly training: string;
  /** Keep the folder of a round that found something. */
  readonly keep: boolean;
}

export async function runRound(plan: RoundPlan, options: RoundOptions): Promise<RoundResult> {
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), "trainyard-faults-")));
  const store = path.join(folder, ".trainyard");
  const server = new ServerLife(store, plan.downtimesMs, plan.killAgainAfter);
  const limitMs = ROUND_LIMIT_MS + Math.max(...plan.downtimesMs);
  let clean = false;
  try {
    await server.ensure();
    const rides = plan.trainings.map<Ride>((training, index) => ({
      plan: training,
      journalFile: path.join(folder, `journal-${index}`),
      kills: [],
      id: null,
      stop: null,
      firstFinal: null,
      over: false,
    }));
    await Promise.all(rides.map((ride) => ridden(ride, store, server, limitMs, options)));
    await server.fresh(plan.loseCatalogue);
    const verdicts: Verdict[] = [];
    for (const ride of rides) {
      if (ride.id === null) continue;
      const journal = await readJournal(ride.journalFile);
      verdicts.push(
        await verifyRun(server.client(), ride.id, { plan: ride.plan, journal, kills: ride.kills, stop: ride.stop }, ride.firstFinal),
      );
    }
    const orphans = await orphansOf(store);
    const kills = rides.flatMap((ride) => ride.kills);
    clean = orphans.length === 0 && verdicts.every((verdict) => verdict.findings.length === 0);
    return {
      kills,
      // One more: the server was killed by the round itself, so that the next one reads everything anew.
      moreServerDeaths: server.deaths - kills.filter((kill) => kill.victim === "server").length + 1,
      longestDowntimeMs: server.longestDowntimeMs,
      torchrunPairs: rides.filter((ride) => ride.plan.launcher === "torchrun").length,
      verdicts,
      orphans,
    };
  } finally {
    await server.end("SIGKILL").catch(() => undefined);
    for (const left of await processesOf(store)) killQuietly(left.pid);
    if (clean || !options.keep) await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    else process.stderr.write(`kept: ${folder}\n`);
  }
}

/** From the request that creates the run to its final state. */
async function ridden(ride: Ride, store: string, server: ServerLife, limitMs: number, options: RoundOptions): Promise<void> {
  const begin = Date.now();
  await sleep(ride.plan.createAfterMs);
  const target = {
    store,
    server,
    plan: ride.plan,
    journalFile: ride.journalFile,
    runDir: () => runDirOf(store, ride.plan.name),
    isOver: () => ride.over,
    killed: (kill: Kill) => ride.kills.push(kill),
  };
  const ambushes = ride.plan.ambushes.map((ambush) => lieInWait(ambush, target));
  try {
    await create(ride, store, server, options);
    const stopping = askToStop(ride, server);
    while (Date.now() - begin < limitMs) {
      const state = await stateOf(ride, server);
      if (state !== null && FINAL_STATES.has(state)) {
        ride.firstFinal = state;
        break;
      }
      await sleep(150);
    }
    ride.over = true;
    await stopping;
  } finally {
    ride.over = true;
    await Promise.all(ambushes);
    await server.settled();
  }
}

/** The server may be killed under the request: the run is then looked for in the store, and asked for again when it is not there. */
async function create(ride: Ride, store: string, server: ServerLife, options: RoundOptions): Promise<void> {
  const { plan } = ride;
  const command = [options.python];
  if (plan.launcher === "torchrun") command.push("-m", "torch.distributed.run", "--standalone", `--nproc-per-node=${plan.ranks}`);
  command.push(options.training, "--journal", ride.journalFile, "--steps", String(plan.steps));
  command.push("--seconds-per-step", String(plan.secondsPerStep), "--end", plan.end);
  command.push(plan.launcher === "torchrun" ? "--gloo" : `--ranks=${plan.ranks}`);
  if (plan.deaf) command.push("--deaf");
  if (plan.child) command.push("--child");
  const spec = { name: plan.name, recipe: "command", params: { command }, grace_seconds: 30 };
  for (let tries = 0; tries < 60 && ride.id === null; tries++) {
    try {
      ride.id = (await server.client().call("createRun", { body: { spec: spec, start: true } })).id;
    } catch {
      await server.settled();
      await sleep(50);
      const dir = runDirOf(store, plan.name);
      if (dir !== null) ride.id = path.basename(dir);
    }
  }
  if (ride.id === null) throw new Error(`${plan.name} could not be created`);
}

async function askToStop(ride: Ride, server: ServerLife): Promise<void> {
  const { stop } = ride.plan;
  if (stop === null) return;
  const reached = async (): Promise<boolean> => (await readJournal(ride.journalFile)).steps.length >= stop.step;
  while (!(await reached())) {
    if (ride.over) return;
    await sleep(20);
  }
  for (let tries = 0; tries < 20 && !ride.over; tries++) {
    const time = Date.now();
    try {
      const body = { force: stop.force, grace_seconds: stop.graceSeconds, reason: "the round says so" };
      await server.client().call("cancelRun", { params: { id: ride.id ?? "" }, body });
      ride.stop = { time, answered: true };
      return;
    } catch (error) {
      // Refused because it has ended is an answer too; anything else may have been heard or not.
      if (error instanceof Error && "code" in error && error.code === "conflict") return;
      ride.stop ??= { time, answered: false };
    }
    await sleep(100);
  }
}

async function stateOf(ride: Ride, server: ServerLife): Promise<RunState | null> {
  try {
    return (await server.client().call("getRun", { params: { id: ride.id ?? "" } })).state;
  } catch {
    return null;
  }
}

/** The run's folder, found by its name without a server. */
function runDirOf(store: string, name: string): string | null {
  const runs = path.join(store, "default", "runs");
  for (const id of listed(runs)) {
    try {
      const record = JSON.parse(readFileSync(path.join(runs, id, "run.json"), "utf8")) as { name: string };
      if (record.name === name) return path.join(runs, id);
    } catch {
      // Half made: its server was killed, or is at it.
    }
  }
  return null;
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function orphansOf(store: string): Promise<string[]> {
  const deadline = Date.now() + ORPHAN_GRACE_MS;
  for (;;) {
    const left = (await processesOf(store)).filter((one) => one.kind !== "server");
    if (left.length === 0 || Date.now() > deadline) return left.map((one) => `${one.kind} ${one.pid} of ${one.run ?? "no run"}`);
    await sleep(100);
  }
}
