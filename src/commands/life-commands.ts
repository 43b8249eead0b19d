/** Commands on the life of a run: stop, resume, fork. */
import * as vscode from "vscode";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import type { RunId } from "../../protocol/ids.ts";
import { FINAL_STATES, LIVE_STATES } from "../../protocol/state-kinds.ts";
import type { Host } from "../host.ts";
import { formatCount } from "../runs/format.ts";
import { canGoOn } from "../runs/run-nodes.ts";
import { checkpointOf, chooseRun, chooseRuns, pickCheckpoint } from "./arguments.ts";
import { nameHint } from "./name-check.ts";
import { parseOverrides } from "./overrides.ts";
import { afterStart, type When } from "./start-commands.ts";

/** Graceful: the training writes a final checkpoint, from which it can be resumed. Needs no question. */
export async function stopRun(host: Host, ...args: unknown[]): Promise<void> {
  const runs = await chooseRuns(host, args, (run) => LIVE_STATES.has(run.state) || run.state === "queued", "Stop");
  const api = await host.connection.api();
  for (const run of runs) await api.call("cancelRun", { params: { id: run.id }, body: { force: false, reason: "stopped in the editor" } });
}

/** Kills at once: what came after the last checkpoint is lost, so it asks. */
export async function forceStopRun(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, (each) => LIVE_STATES.has(each.state), "Force Stop");
  if (run === null) return;
  const answer = await vscode.window.showWarningMessage(
    `Kill ${run.name} now?`,
    { modal: true, detail: "No final checkpoint is written. Everything up to the last checkpoint, the metrics and the log are kept." },
    "Force Stop",
  );
  if (answer !== "Force Stop") return;
  await (
    await host.connection.api()
  ).call("cancelRun", { params: { id: run.id }, body: { force: true, reason: "force-stopped in the editor" } });
}

/** The same run goes on from a checkpoint. */
export async function resumeRun(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, (each) => FINAL_STATES.has(each.state) && canGoOn(each), "Resume");
  if (run === null) return;
  const checkpoint = checkpointOf(args) ?? (await pickCheckpoint(host, run.id, `Resume ${run.name}`, (each) => each.resumable));
  if (checkpoint !== null) await resumeFrom(host, run.id, run.name, checkpoint.id);
}

/** @param checkpoint id or name; null takes the newest that can be resumed */
export async function resumeFrom(host: Host, run: RunId, name: string, checkpoint: string | null): Promise<void> {
  const when = await askWhen(`Resume ${name}`);
  if (when === null) return;
  const api = await host.connection.api();
  const body = { mode: "continue", params: {}, queue: when === "queue", ...(checkpoint === null ? {} : { checkpoint }) } as const;
  afterStart(host, await api.call("resumeRun", { params: { id: run }, body }), when);
}

/** null when the user left the question. */
async function askWhen(title: string): Promise<When | null> {
  const choices: (vscode.QuickPickItem & { readonly when: When })[] = [
    { label: "$(debug-start) Start now", when: "now" },
    { label: "$(list-ordered) Add to queue", detail: "It starts when its turn comes", when: "queue" },
  ];
  const chosen = await vscode.window.showQuickPick(choices, { title, placeHolder: "When?" });
  return chosen?.when ?? null;
}

/** A new run that starts from a checkpoint of this one, with other values where the user says so. */
export async function forkRun(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, canGoOn, "Fork");
  if (run === null) return;
  const checkpoint = checkpointOf(args) ?? (await pickCheckpoint(host, run.id, `Fork ${run.name}`, (each) => each.forkable));
  if (checkpoint !== null) await forkFrom(host, run.id, run.name, checkpoint.id, checkpoint.step);
}

export async function forkFrom(host: Host, id: RunId, runName: string, checkpoint: string | null, step: number | null): Promise<void> {
  const title = `Fork ${runName}${step === null ? "" : ` at step ${formatCount(step)}`}`;
  const line = await vscode.window.showInputBox({
    title,
    prompt: "Values that differ from the parent run, for example learning_rate=1e-5 max_steps=400. Empty keeps them all.",
    placeHolder: "name=value name=value",
    ignoreFocusOut: true,
    validateInput: (text) => {
      const read = parseOverrides(text);
      return read.ok ? null : read.problem;
    },
  });
  if (line === undefined) return;
  const overrides = parseOverrides(line);
  if (!overrides.ok) throw new TrainyardError("bad_request", overrides.problem);
  const api = await host.connection.api();
  const project = host.board.run(id)?.project;
  const name = await vscode.window.showInputBox({
    title,
    prompt: "Name of the new run",
    value: `${runName}-fork`,
    ignoreFocusOut: true,
    validateInput: (text) => (project === undefined ? null : nameHint(api, project, text)),
  });
  if (name === undefined) return;
  const when = await askWhen(title);
  if (when === null) return;
  const body = {
    mode: "fork",
    params: overrides.params,
    queue: when === "queue",
    ...(checkpoint === null ? {} : { checkpoint }),
    ...(name.trim() === "" ? {} : { name: name.trim() }),
  } as const;
  afterStart(host, await api.call("resumeRun", { params: { id }, body }), when);
}
