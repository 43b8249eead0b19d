/** Commands that bring new runs into being. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import * as vscode from "vscode";
import { TrainyardError, type Problem } from "../../protocol/errors.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import type { RunSpecInput } from "../../protocol/spec.ts";
import { RunSpec } from "../../protocol/spec.ts";
import type { Host } from "../host.ts";
import { readSettings, type Settings } from "../settings.ts";
import { chooseRun, fileOf } from "./arguments.ts";
import { readRunFile } from "./run-file.ts";

export function newRun(host: Host): Promise<void> {
  host.panels.open({ view: "builder", recipe: null, from: null, script: null });
  return Promise.resolve();
}

/** The builder with the fields of an earlier run. */
export async function cloneRun(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, (each) => each.damage === null, "New Run Like This");
  if (run !== null) host.panels.open({ view: "builder", recipe: null, from: run.id, script: null });
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
    params: { script: relativeTo(settings.baseDir, file.fsPath) },
  });
}

/** Starts a *.run.yaml document; what is wrong with it is shown in the file. */
export async function startRunFile(host: Host, ...args: unknown[]): Promise<void> {
  const file = fileOf(args);
  if (file === null) throw new TrainyardError("missing_file", "no run file is open", "Open a *.run.yaml file, then try again.");
  const { diagnostics } = host;
  const document = vscode.workspace.textDocuments.find((each) => each.uri.toString() === file.toString());
  if (document?.isDirty === true) await document.save();
  const source = document?.getText() ?? (await readFile(file.fsPath, "utf8"));
  const read = readRunFile(source);
  diagnostics.delete(file);
  if (!read.ok) {
    diagnostics.set(
      file,
      read.problems.map(({ problem, range }) => toDiagnostic(source, problem, range)),
    );
    throw new TrainyardError(
      "invalid_spec",
      `${path.basename(file.fsPath)} cannot be started`,
      "The problems are marked in the file.",
      read.problems.map((p) => p.problem),
    );
  }
  try {
    await start(host, openFolder(), read.spec, source);
  } catch (error) {
    if (error instanceof TrainyardError && error.problems.length > 0)
      diagnostics.set(
        file,
        error.problems.map((problem) => toDiagnostic(source, problem, read.locate(problem.field))),
      );
    throw error;
  }
}

export async function startDraft(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, (each) => each.state === "draft", "Start Draft");
  if (run === null) return;
  const started = await (await host.connection.api()).call("startRun", { params: { id: run.id } });
  afterStart(host, started);
}

async function start(host: Host, settings: Settings, input: RunSpecInput, source?: string): Promise<void> {
  const python = input.python ?? (await host.python.current()).path;
  const api = await host.connection.api();
  const spec = RunSpec.parse({ ...input, python });
  const body = { spec, start: true, base_dir: settings.baseDir, ...(source === undefined ? {} : { source }) };
  afterStart(host, await api.call("createRun", { body }));
}

/** The same for every way of starting: shown when the user likes it so. */
export function afterStart(host: Host, run: Pick<RunDetail, "id" | "name">): void {
  if (readSettings()?.openDashboardOnStart === true) host.panels.open({ view: "dashboard", run: run.id });
  else vscode.window.setStatusBarMessage(`Trainyard: ${run.name} has been started`, 4000);
}

function openFolder(): Settings {
  const settings = readSettings();
  if (settings === null)
    throw new TrainyardError("missing_file", "no folder is open", "Open the folder that your training code is in (File: Open Folder…).");
  return settings;
}

/** Relative where it can be, so that the spec stays true when the folder moves. */
function relativeTo(base: string, file: string): string {
  const relative = path.relative(base, file);
  return relative.startsWith("..") || path.isAbsolute(relative) ? file : relative;
}

function toDiagnostic(source: string, problem: Problem, range: readonly [number, number] | null): vscode.Diagnostic {
  const position = (offset: number): vscode.Position => {
    const before = source.slice(0, offset).split("\n");
    return new vscode.Position(before.length - 1, before.at(-1)?.length ?? 0);
  };
  const place = range === null ? new vscode.Range(0, 0, 0, 1) : new vscode.Range(position(range[0]), position(range[1]));
  const severity = {
    error: vscode.DiagnosticSeverity.Error,
    warning: vscode.DiagnosticSeverity.Warning,
    info: vscode.DiagnosticSeverity.Information,
  };
  const diagnostic = new vscode.Diagnostic(
    place,
    [problem.message, problem.hint].filter((part) => part !== null).join(" "),
    severity[problem.severity],
  );
  diagnostic.source = "Trainyard";
  return diagnostic;
}
