/** kill -9 of the extension host of a real VS Code window, in every state that a run can be in, and what the window shows afterwards. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Workbench } from "../../e2e/workbench.ts";
import type { VsCode } from "../../e2e/vscode.ts";
import { python, ROOT } from "../../support/machine.ts";
import { killQuietly, until } from "../../support/processes.ts";
import { lieInWait } from "../chaos/ambushes.ts";
import { readJournal } from "../chaos/journal.ts";
import type { RunFacts } from "../chaos/judge.ts";
import type { Moment, TrainingPlan, Transition } from "../chaos/plan.ts";
import { ServerLife } from "../chaos/server.ts";
import { verifyRun, type Verdict } from "../chaos/verify.ts";

const STEPS = 6000;
const FEW_STEPS = 50;

/** When the host dies, and how long the training of that case is. */
const MOMENTS: Readonly<Record<Transition, { moment: Moment; steps: number }>> = {
  queued: { moment: { at: "created" }, steps: STEPS },
  starting: { moment: { at: "process.json" }, steps: STEPS },
  running: { moment: { at: "step", step: 20 }, steps: STEPS },
  stopping: { moment: { at: "stop.json" }, steps: STEPS },
  finishing: { moment: { at: "ending" }, steps: FEW_STEPS },
};

export interface HostDeath {
  readonly during: Transition;
  readonly verdict: Verdict;
  /** A new host was there by itself; otherwise the window was loaded again, as VS Code asks for after several deaths. */
  readonly cameBack: boolean;
}

/** Starts a training, kills the window's host when the run is in that state, and waits until the window shows how the run ended. */
export async function killHostWhile(during: Transition, code: VsCode, window: Workbench): Promise<HostDeath> {
  const { moment, steps } = MOMENTS[during];
  const name = `host dies while ${during}`;
  const server = new ServerLife(code.store, [], new Set());
  await server.ensure();
  const journalFile = path.join(code.workspace, `journal-${during}`);
  const plan = trainingPlan(name, steps);
  const client = server.client();
  const { id, run_dir: runDir } = await client.call("createRun", { body: { spec: specOf(plan, journalFile), start: true } });
  const askToStop = async (): Promise<RunFacts["stop"]> => {
    await until("some steps", async () => (await readJournal(journalFile)).steps.length > 20, 120_000);
    const time = Date.now();
    await client.call("cancelRun", { params: { id }, body: { reason: "enough" } });
    return { time, answered: true };
  };
  let stop = during === "stopping" ? await askToStop() : null;
  await lieInWait(
    { moment, delayMs: 0, victims: [] },
    { store: code.store, server, plan, journalFile, runDir: () => runDir, isOver: () => false, killed: () => undefined },
  );
  const old = extensionHosts(code);
  if (old.length === 0) throw new Error("the window has no extension host");
  for (const pid of old) killQuietly(pid);
  const cameBack = await newHost(code, old);
  if (!cameBack) await window.reload();
  // Told only now: what the window shows from here on it has from its new host.
  if (during !== "stopping" && during !== "finishing") stop = await askToStop();
  await shown(window, name, during === "finishing" ? /completed/i : /cancelled/i);
  const facts: RunFacts = { plan, journal: await readJournal(journalFile), kills: [], stop };
  return { during, verdict: await verifyRun(client, id, facts, null), cameBack };
}

function trainingPlan(name: string, steps: number): TrainingPlan {
  return {
    name,
    steps,
    secondsPerStep: 0.02,
    end: "complete",
    deaf: false,
    child: false,
    ranks: 1,
    launcher: "itself",
    createAfterMs: 0,
    ambushes: [],
    stop: null,
  };
}

function specOf(plan: TrainingPlan, journalFile: string): { name: string; recipe: string; params: { command: string[] } } {
  const command = [python(), path.join(ROOT, "test/faults/chaos/training.py"), "--journal", journalFile];
  command.push("--steps", String(plan.steps), "--seconds-per-step", String(plan.secondsPerStep), "--end", plan.end);
  return { name: plan.name, recipe: "command", params: { command } };
}

async function newHost(code: VsCode, old: readonly number[]): Promise<boolean> {
  return until("a new extension host", () => Promise.resolve(extensionHosts(code).some((pid) => !old.includes(pid))), 30_000).then(
    () => true,
    () => false,
  );
}

async function shown(window: Workbench, name: string, state: RegExp): Promise<void> {
  await until(
    `the window to show ${name} as ${String(state)}`,
    async () => {
      await window.openActivity("Trainyard");
      await window.expandRow(/default/);
      return state.test((await window.treeRow(name).getAttribute("aria-label", { timeout: 2000 })) ?? "");
    },
    120_000,
    500,
  );
}

/** Pids of the extension hosts of this VS Code, told from others by the home that it was given. */
function extensionHosts(code: VsCode): number[] {
  const home = `HOME=${path.join(path.dirname(code.workspace), "home")}`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => entries(pid, "cmdline").includes("--type=extensionHost") && entries(pid, "environ").includes(home))
    .map(Number);
}

function entries(pid: string, file: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1").split("\0");
  } catch {
    return [];
  }
}
