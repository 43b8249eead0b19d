/** Commands that show, copy and name runs. */
import path from "node:path";
import * as vscode from "vscode";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import type { RunLine } from "../../protocol/run-line.ts";
import { parseTimeRange, type OutputTimes } from "../../protocol/time-range.ts";
import { errorText } from "../error-text.ts";
import type { Host } from "../host.ts";
import { artifactOf, checkpointOf, chooseRun, chooseRuns, chooseSeveral, projectOf, sweepOf } from "./arguments.ts";
import { nameHint } from "./name-check.ts";
import { revealPath } from "./reveal.ts";
import { shellCommand } from "../../protocol/shell-command.ts";
import { localTime } from "../../protocol/local-time.ts";

const any = (): boolean => true;

export async function openDashboard(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, (each) => each.damage === null, "Open Dashboard");
  if (run !== null) host.panels.open({ view: "dashboard", run: run.id });
}

/** The runs that are selected in the tree, or those that the user picks. */
export async function compareRuns(host: Host, ...args: unknown[]): Promise<void> {
  const runs = await chooseSeveral(host, args, (each) => each.damage === null, "Compare Runs", 2);
  if (runs.length > 0) host.panels.open({ view: "compare", runs: runs.map((run) => run.id) });
}

export async function exploreRuns(host: Host, ...args: unknown[]): Promise<void> {
  host.panels.open({ view: "explore", project: projectOf(args), filter: "" });
  return Promise.resolve();
}

export async function buildPlot(host: Host, ...args: unknown[]): Promise<void> {
  host.panels.open({ view: "plots", project: projectOf(args), filter: "" });
  return Promise.resolve();
}

/** The sweep of a tree node, else the list of all. */
export async function openSweeps(host: Host, ...args: unknown[]): Promise<void> {
  host.panels.open({ view: "sweeps", sweep: sweepOf(args) });
  return Promise.resolve();
}

export async function openSystem(host: Host): Promise<void> {
  host.panels.open({ view: "system" });
  return Promise.resolve();
}

export async function openLog(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, (each) => each.attempt > 0, "Open Log");
  if (run !== null) await host.logs.show(run.id, null, run.name);
}

/** What a run wrote in a range of time, as a document. */
export async function openLogRange(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, (each) => each.attempt > 0, "Open Log of a Time Range");
  if (run === null) return;
  const times = await host.logs.times(run.id);
  if (times.first === null)
    throw new TrainyardError("conflict", `nothing says when the output of ${run.name} was written`, "Open its whole log and search it.");
  const written = [times.first, times.last ?? times.now].map((time) => localTime(time)).join(" – ");
  const text = await vscode.window.showInputBox({
    title: `Time of the log of ${run.name}`,
    prompt: `Written ${written}. The start is part of the range, the end is not.`,
    placeHolder: "last 10 min, 10:00–10:15, since 10:00, 2026-01-31 22:00–23:00",
    validateInput: (typed) => (typed.trim() === "" ? null : rangeProblem(typed, times)),
  });
  if (text === undefined || text.trim() === "") return;
  await host.logs.showRange(run.id, run.name, parseTimeRange(text, { ...times, now: Date.now() }));
}

function rangeProblem(text: string, times: OutputTimes): string | null {
  try {
    parseTimeRange(text, times);
    return null;
  } catch (error) {
    return errorText(error);
  }
}

export async function openCode(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, (each) => each.commit !== null, "Open Code as It Was");
  if (run !== null) await host.code.show(run.id, run.name);
}

export async function openInBrowser(host: Host, ...args: unknown[]): Promise<void> {
  const node = args[0];
  const run = node === undefined ? null : await chooseRun(host, args, any, "Open in Browser");
  await openPage(host, "", run === null ? [] : [`run=${run.id}`]);
}

/** The server's interface with a form for each operation. */
export async function openApiPage(host: Host): Promise<void> {
  await openPage(host, "docs", []);
}

/** A page of the run server in a browser, which keeps the token to itself. */
async function openPage(host: Host, pathname: string, fragment: readonly string[]): Promise<void> {
  const { url, token } = await host.connection.address();
  // An editor that forwards ports by paths keeps no path of ours: it is put after the one that comes back.
  const external = await vscode.env.asExternalUri(vscode.Uri.parse(url));
  const page = pathname === "" ? external : vscode.Uri.joinPath(external, pathname);
  await vscode.env.openExternal(page.with({ fragment: [`token=${token}`, ...fragment].join("&") }));
}

export async function copyCommand(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, (each) => each.attempt > 0, "Copy Command");
  if (run === null) return;
  const attempt = (await detail(host, run)).attempts.at(-1);
  if (attempt === undefined)
    throw new TrainyardError("conflict", `${run.name} has not been started yet`, "Its command is known once it starts.");
  await vscode.env.clipboard.writeText(shellCommand(attempt));
  vscode.window.setStatusBarMessage("Trainyard: the command has been copied", 3000);
}

export async function copyRunId(host: Host, ...args: unknown[]): Promise<void> {
  const runs = await chooseRuns(host, args, any, "Copy Run Id");
  if (runs.length === 0) return;
  await vscode.env.clipboard.writeText(runs.map((run) => run.id).join("\n"));
  vscode.window.setStatusBarMessage("Trainyard: the run id has been copied", 3000);
}

export async function revealFolder(host: Host, ...args: unknown[]): Promise<void> {
  const checkpoint = checkpointOf(args);
  const run = await chooseRun(host, args, any, "Reveal Folder");
  if (run === null) return;
  const artifact = artifactOf(args);
  const { run_dir: folder } = await detail(host, run);
  await revealPath(checkpoint?.path ?? (artifact === null ? folder : artifactPath(folder, artifact.path)));
}

export async function openArtifact(host: Host, ...args: unknown[]): Promise<void> {
  const artifact = artifactOf(args);
  const run = await chooseRun(host, args, any, "Open Artifact");
  if (run === null || artifact === null) return;
  const { run_dir: folder } = await detail(host, run);
  await vscode.commands.executeCommand("vscode.open", vscode.Uri.file(artifactPath(folder, artifact.path)));
}

export async function renameRun(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, (each) => each.damage === null, "Rename");
  if (run === null) return;
  const api = await host.connection.api();
  const name = await vscode.window.showInputBox({
    title: `Rename ${run.name}`,
    value: run.name,
    validateInput: (text) => {
      if (text.trim() === "") return "A run needs a name";
      if (text.length > 200) return "At most 200 characters";
      return text.trim() === run.name ? null : nameHint(api, run.project, text);
    },
  });
  if (name === undefined || name.trim() === run.name) return;
  await api.call("editRun", { params: { id: run.id }, body: { name: name.trim() } });
}

export async function refreshRuns(host: Host): Promise<void> {
  const { problems } = await (await host.connection.api()).call("refresh");
  for (const problem of problems) host.log.warn(problem.message);
}

async function detail(host: Host, run: RunLine): Promise<RunDetail> {
  return (await host.connection.api()).call("getRun", { params: { id: run.id } });
}

/** Relative artifact paths are inside the run's artifacts folder. */
function artifactPath(runDir: string, artifact: string): string {
  return path.resolve(runDir, "artifacts", artifact);
}
