/** Which run, checkpoint or file a command means: a tree node, a run id from a link, or a choice from a list. */
import * as vscode from "vscode";
import type { Artifact, Checkpoint } from "../../protocol/artifact.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { RunId, type SweepId } from "../../protocol/ids.ts";
import { lineOf } from "../../protocol/line-of-run.ts";
import type { RunLine } from "../../protocol/run-line.ts";
import type { Host } from "../host.ts";
import { formatBytes, formatCount, formatValue } from "../runs/format.ts";
import type { RunNode } from "../runs/run-nodes.ts";
import { runDescription, stateLook } from "../runs/run-text.ts";

/** The argument of the tree's keybindings, which get no node of their own. */
export const SELECTION = "selection";

function isNode(value: unknown): value is RunNode {
  return (
    typeof value === "object" &&
    value !== null &&
    "kind" in value &&
    typeof value.kind === "string" &&
    ("run" in value || "project" in value)
  );
}

/** The run of a tree node, or of what stands in its folders; null for anything else. */
export function runOf(args: readonly unknown[]): RunId | null {
  return runIdOf(args[0]);
}

function runIdOf(value: unknown): RunId | null {
  if (isNode(value)) return "run" in value ? value.run : null;
  const parsed = RunId.safeParse(value);
  return parsed.success ? parsed.data : null;
}

/** The run that is meant, or null when the user left the list. @param accepts which runs the list offers */
export async function chooseRun(
  host: Host,
  args: readonly unknown[],
  accepts: (run: RunLine) => boolean,
  title: string,
): Promise<RunLine | null> {
  const given = runIdOf(args[0] === SELECTION ? host.selection()[0] : args[0]);
  if (given !== null) return lineOfId(host, given);
  const runs = (await loadedRuns(host)).filter(accepts);
  if (runs.length === 0) {
    void vscode.window.showInformationMessage(`${title}: there is no such run.`);
    return null;
  }
  const picked = await vscode.window.showQuickPick(
    runs.map((run) => ({
      label: `$(${stateLook(run).icon.replace("~spin", "")}) ${run.name}`,
      description: runDescription(run, []),
      detail: run.project,
      run,
    })),
    { title, placeHolder: "Choose a run", matchOnDetail: true },
  );
  return picked?.run ?? null;
}

/** A checkpoint of a run, or null when the user left the list. @throws TrainyardError when there is none to choose */
export async function pickCheckpoint(
  host: Host,
  id: RunId,
  title: string,
  accepts: (checkpoint: Checkpoint) => boolean,
): Promise<Checkpoint | null> {
  const api = await host.connection.api();
  const { checkpoints } = await api.call("listCheckpoints", { params: { id } });
  const usable = checkpoints.filter(accepts);
  if (usable.length === 0) {
    const torn = checkpoints.find((checkpoint) => checkpoint.problem !== null);
    throw new TrainyardError(
      "bad_checkpoint",
      `the run has no checkpoint that can be used${torn?.problem == null ? "" : ` (${torn.name}: ${torn.problem})`}`,
      "Start a new run like this one instead.",
    );
  }
  const picked = await vscode.window.showQuickPick(
    usable.map((checkpoint, index) => ({
      label: `$(bookmark) Step ${formatCount(checkpoint.step)}`,
      description: [
        index === 0 ? "newest" : null,
        checkpoint.final ? "final" : null,
        checkpoint.kind === "full" ? null : checkpoint.kind,
        ...Object.entries(checkpoint.metrics)
          .slice(0, 2)
          .map(([name, value]) => `${name} ${formatValue(value)}`),
      ]
        .filter((part) => part !== null)
        .join(" · "),
      detail: `${checkpoint.name}, attempt ${checkpoint.attempt}, ${formatBytes(checkpoint.size_bytes)}`,
      checkpoint,
    })),
    { title, placeHolder: "Choose a checkpoint", matchOnDescription: true, matchOnDetail: true },
  );
  return picked?.checkpoint ?? null;
}

/** All selected runs of the tree, or the one that is meant. */
export async function chooseRuns(
  host: Host,
  args: readonly unknown[],
  accepts: (run: RunLine) => boolean,
  title: string,
): Promise<RunLine[]> {
  const selected: readonly unknown[] = args[0] === SELECTION ? host.selection() : Array.isArray(args[1]) ? (args[1] as unknown[]) : [];
  const ids = [...new Set(selected.map(runIdOf).filter((id) => id !== null))];
  if (ids.length > 1) return (await Promise.all(ids.map((id) => lineOfId(host, id)))).filter(accepts);
  const run = await chooseRun(host, args, accepts, title);
  return run === null ? [] : [run];
}

/** The selected runs of the tree when there are enough of them, else those ticked in a list. Empty when the user left it. */
export async function chooseSeveral(
  host: Host,
  args: readonly unknown[],
  accepts: (run: RunLine) => boolean,
  title: string,
  least: number,
): Promise<RunLine[]> {
  const selected: readonly unknown[] = Array.isArray(args[1]) ? (args[1] as unknown[]) : args[0] === undefined ? host.selection() : [];
  const ids = new Set([args[0], ...selected].map(runIdOf).filter((id) => id !== null));
  const given = (await Promise.all([...ids].map((id) => lineOfId(host, id)))).filter(accepts);
  if (given.length >= least) return given;
  const picked = await vscode.window.showQuickPick(
    (await loadedRuns(host)).filter(accepts).map((run) => ({
      label: `$(${stateLook(run).icon.replace("~spin", "")}) ${run.name}`,
      description: runDescription(run, []),
      detail: run.project,
      picked: ids.has(run.id),
      run,
    })),
    { title, placeHolder: `Tick ${String(least)} runs or more`, canPickMany: true, matchOnDetail: true },
  );
  return picked?.map((each) => each.run) ?? [];
}

/** The project of a tree node, null for the whole store. */
export function projectOf(args: readonly unknown[]): string | null {
  const node = args[0];
  return isNode(node) && node.kind === "project" ? node.project : null;
}

/** The sweep of a tree node, null for anything else. */
export function sweepOf(args: readonly unknown[]): SweepId | null {
  const node = args[0];
  return isNode(node) && node.kind === "sweep" ? node.sweep : null;
}

export function checkpointOf(args: readonly unknown[]): Checkpoint | null {
  const node = args[0];
  return isNode(node) && node.kind === "checkpoint" ? node.checkpoint : null;
}

export function artifactOf(args: readonly unknown[]): Artifact | null {
  const node = args[0];
  return isNode(node) && node.kind === "artifact" ? node.artifact : null;
}

/** The file of an explorer or editor menu, or the one in the active editor, be it a text or a form. */
export function fileOf(args: readonly unknown[]): vscode.Uri | null {
  const uri = args[0] instanceof vscode.Uri ? args[0] : (vscode.window.activeTextEditor?.document.uri ?? formOf());
  return uri?.scheme === "file" ? uri : null;
}

function formOf(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof vscode.TabInputCustom ? input.uri : undefined;
}

/** The board may not have heard of a run that was created a moment ago: the server knows. */
async function lineOfId(host: Host, id: RunId): Promise<RunLine> {
  return host.board.run(id) ?? lineOf(await (await host.connection.api()).call("getRun", { params: { id } }));
}

async function loadedRuns(host: Host): Promise<RunLine[]> {
  if (host.board.loaded) return host.board.runs();
  const { runs } = await (await host.connection.api()).call("listRuns", { query: { limit: 1000 } });
  return runs.map((run) => lineOf(run));
}
