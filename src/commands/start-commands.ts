/** Commands that bring new runs into being. */
import { open } from "node:fs/promises";
import path from "node:path";
import * as vscode from "vscode";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import type { RunSpecInput } from "../../protocol/spec.ts";
import { RunSpec } from "../../protocol/spec.ts";
import type { PanelTarget } from "../../protocol/webview.ts";
import type { Host } from "../host.ts";
import { readRunDocument } from "../../protocol/run-document/read.ts";
import { RUN_EDITOR } from "../documents/run-editor-id.ts";
import { draftUri, saveDraft } from "../documents/draft-documents.ts";
import { recipeForDataset } from "../documents/dataset-recipe.ts";
import { relativePath } from "../documents/workspace-paths.ts";
import { toDiagnostic } from "../documents/run-language.ts";
import { readSettings, type Settings } from "../settings.ts";
import { chooseRun, fileOf } from "./arguments.ts";

export function newRun(host: Host): Promise<void> {
  host.panels.open({ view: "builder", recipe: null, from: null, script: null, dataset: null, document: null });
  return Promise.resolve();
}

/** The builder for a script or a dataset, with the recipe that fits it. */
export async function newRunFromFile(host: Host, ...args: unknown[]): Promise<void> {
  const file = fileOf(args);
  if (file === null) throw new TrainyardError("missing_file", "no file is open", "Open a script or a dataset, then try again.");
  const own = relativePath(file.fsPath);
  const isScript = path.extname(own) === ".py";
  const recipe = isScript ? null : recipeForDataset(own, await headOf(file.fsPath));
  host.panels.open({ view: "builder", recipe, from: null, script: isScript ? own : null, dataset: isScript ? null : own, document: null });
}

/** The beginning of a file, however large it is. */
async function headOf(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** The builder with the fields of an earlier run. */
export async function cloneRun(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, (each) => each.damage === null, "New Run Like This");
  if (run !== null) host.panels.open({ view: "builder", recipe: null, from: run.id, script: null, dataset: null, document: null });
}

/** The builder with a section that says what to vary, of an earlier run where one is meant. */
export async function newSweep(host: Host, ...args: unknown[]): Promise<void> {
  const run = args[0] === undefined ? null : await chooseRun(host, args, (each) => each.damage === null, "New Sweep Like This");
  host.panels.open(newSweepTarget(run?.id ?? null));
}

export function newSweepTarget(from: RunId | null): PanelTarget {
  return { view: "builder", recipe: null, from, script: null, dataset: null, document: null, sweep: true };
}

/** Starts the Python file as it is, tracked by the import hook. */
export async function runPythonFile(host: Host, ...args: unknown[]): Promise<void> {
  const file = fileOf(args);
  if (file === null) throw new TrainyardError("missing_file", "no Python file is open", "Open the script that trains, then try again.");
  const document = vscode.workspace.textDocuments.find((each) => each.uri.toString() === file.toString());
  if (document?.isDirty === true && !(await document.save()))
    throw new TrainyardError("conflict", `${file.fsPath} could not be saved`, "Save it, then run it again.");
  const settings = openFolder();
  await start(host, settings, {
    recipe: "script",
    name: path.basename(file.fsPath, path.extname(file.fsPath)),
    params: { script: relativePath(file.fsPath) },
  });
}

export const startRunFile = (host: Host, ...args: unknown[]): Promise<void> => launchRunFile(host, args, "now");
export const queueRunFile = (host: Host, ...args: unknown[]): Promise<void> => launchRunFile(host, args, "queue");

/** Makes a run of a *.run.yaml document; what is wrong with it is shown in the file. */
async function launchRunFile(host: Host, args: readonly unknown[], when: When): Promise<void> {
  const file = fileOf(args);
  if (file === null) throw new TrainyardError("missing_file", "no run file is open", "Open a *.run.yaml file, then try again.");
  const { diagnostics } = host;
  const document = await vscode.workspace.openTextDocument(file);
  if (document.isDirty) await document.save();
  const source = document.getText();
  const { spec, problems, locate } = readRunDocument(source);
  if (spec === null) {
    diagnostics.set(
      file,
      problems.map((found) => toDiagnostic(document, found)),
    );
    throw new TrainyardError(
      "invalid_spec",
      `${path.basename(file.fsPath)} cannot be started`,
      "The problems are marked in the file.",
      problems.map((found) => found.problem),
    );
  }
  try {
    await start(host, openFolder(), spec, source, when);
  } catch (error) {
    if (error instanceof TrainyardError && error.problems.length > 0)
      diagnostics.set(
        file,
        error.problems.map((problem) => toDiagnostic(document, { problem, range: locate(problem.field) })),
      );
    throw error;
  }
}

/** The form in the place of the text, or the other way round. Both are views of one document: nothing is saved or lost. */
export async function openAsForm(_: Host, ...args: unknown[]): Promise<void> {
  await openRunFile(args, RUN_EDITOR);
}

export async function openAsText(_: Host, ...args: unknown[]): Promise<void> {
  await openRunFile(args, "default");
}

async function openRunFile(args: readonly unknown[], editor: string): Promise<void> {
  const file = fileOf(args);
  if (file === null) throw new TrainyardError("missing_file", "no run file is open", "Open a *.run.yaml file, then try again.");
  await vscode.commands.executeCommand("vscode.openWith", file, editor);
}

export async function editDraft(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, (each) => each.state === "draft", "Edit Draft");
  if (run !== null) await vscode.window.showTextDocument(draftUri(run));
}

export async function startDraft(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, (each) => each.state === "draft", "Start Draft");
  if (run === null) return;
  await saveDraft(run.id);
  const started = await (await host.connection.api()).call("startRun", { params: { id: run.id } });
  afterStart(host, started);
}

async function start(host: Host, settings: Settings, input: RunSpecInput, source?: string, when: When = "now"): Promise<void> {
  const python = input.python ?? (await host.python.current()).path;
  const api = await host.connection.api();
  const spec = RunSpec.parse({ ...input, python });
  const made = await api.call("createRun", {
    body: { spec, start: true, queue: when === "queue", base_dir: settings.baseDir, ...(source === undefined ? {} : { source }) },
  });
  afterStart(host, made, when);
}

/** At once, or in its turn. */
export type When = "now" | "queue";

/** The same for every way of starting: shown when the user likes it so. What waits is in the tree. */
export function afterStart(host: Host, run: Pick<RunDetail, "id" | "name">, when: When = "now"): void {
  if (when === "queue") vscode.window.setStatusBarMessage(`Trainyard: ${run.name} waits in the queue`, 4000);
  else if (readSettings()?.openDashboardOnStart === true) host.panels.open({ view: "dashboard", run: run.id });
  else vscode.window.setStatusBarMessage(`Trainyard: ${run.name} has been started`, 4000);
}

function openFolder(): Settings {
  const settings = readSettings();
  if (settings === null)
    throw new TrainyardError("missing_file", "no folder is open", "Open the folder that your training code is in (File: Open Folder…).");
  return settings;
}
