/** Waits for the moments of a training's plan and strikes. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Kill } from "./judge.ts";
import { transitionOf, type Ambush, type Moment, type TrainingPlan, type Transition, type Victim } from "./plan.ts";
import type { ServerLife } from "./server.ts";
import { killNow, processesOf, type Kind, type StoreProcess } from "./system.ts";

const LOOK_MS = 4;

export interface Target {
  readonly store: string;
  readonly server: ServerLife;
  readonly plan: TrainingPlan;
  readonly journalFile: string;
  /** Known once the run's folder is there. */
  runDir(): string | null;
  /** The run has ended: nobody is left to be killed. */
  isOver(): boolean;
  /** Word of every kill that met somebody. */
  killed(kill: Kill): void;
}

/** Settles when the ambush has struck, or when its moment can no longer come. */
export async function lieInWait(ambush: Ambush, target: Target): Promise<void> {
  while (!(await hasCome(ambush.moment, target))) {
    if (target.isOver()) return;
    await sleep(LOOK_MS);
  }
  if (ambush.delayMs > 0) await sleep(ambush.delayMs);
  for (const victim of ambush.victims) await strike(victim, transitionOf(ambush.moment), target);
}

async function strike(victim: Victim, during: Transition, target: Target): Promise<void> {
  const found = victim === "server" ? undefined : await find(victim, target);
  const struck = victim === "server" ? target.server.kill() : killNow(found);
  if (struck) target.killed({ victim, during, rank: found?.rank ?? null, time: Date.now() });
}

const KINDS: Readonly<Record<Exclude<Victim, "server">, readonly Kind[]>> = {
  supervisor: ["supervisor"],
  training: ["training"],
  rank: ["rank"],
};

async function find(victim: Exclude<Victim, "server">, target: Target): Promise<StoreProcess | undefined> {
  const dir = target.runDir();
  if (dir === null) return undefined;
  const found = await processesOf(target.store);
  return found.find((one) => one.run === path.basename(dir) && KINDS[victim].includes(one.kind));
}

async function hasCome(moment: Moment, target: Target): Promise<boolean> {
  const dir = target.runDir();
  const inAttempt = (name: string): boolean => dir !== null && existsSync(path.join(dir, "attempts", "1", name));
  switch (moment.at) {
    case "created":
      return dir !== null;
    case "supervisor seen":
      return (await find("supervisor", target)) !== undefined;
    case "training seen":
      return (await find("training", target)) !== undefined;
    case "process.json":
    case "stop.json":
    case "exit.json":
      return inAttempt(moment.at);
    case "step":
      return journalHas(target.journalFile, `"step": ${moment.step},`);
    case "ending":
      return journalHas(target.journalFile, '"event": "ending"');
  }
}

function journalHas(file: string, text: string): boolean {
  try {
    return readFileSync(file, "utf8").includes(text);
  } catch {
    return false;
  }
}
