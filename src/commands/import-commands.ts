/** Brings exported runs back into the store: from files that the user picks, or from the file of the explorer. */
import path from "node:path";
import * as vscode from "vscode";
import { counted } from "../../protocol/counted.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { EXPORT_EXTENSIONS } from "../../protocol/export.ts";
import { Slug } from "../../protocol/ids.ts";
import type { ImportReport } from "../../protocol/import.ts";
import { ImportFormat } from "../../protocol/run.ts";
import type { Host } from "../host.ts";
import { readSettings } from "../settings.ts";

/** Long files of many points are read through before the first run is made. */
const IMPORT_TIMEOUT_MS = 3_600_000;
const EXTENSIONS = [...new Set(ImportFormat.options.map((format) => EXPORT_EXTENSIONS[format]))];

type Imported = ImportReport["runs"][number];

export async function importRuns(host: Host, ...args: unknown[]): Promise<void> {
  const files = args[0] instanceof vscode.Uri ? [args[0]] : await askFiles();
  if (files.length === 0) return;
  const project = await askProject(host);
  if (project === null) return;
  const done: Imported[] = [];
  await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: "Importing runs" }, async (progress) => {
    const api = await host.connection.api();
    try {
      for (const { fsPath } of files) {
        progress.report({ message: path.basename(fsPath) });
        const { runs } = await api.call("importRuns", { body: { path: fsPath, ...project }, timeoutMs: IMPORT_TIMEOUT_MS });
        done.push(...runs);
      }
    } catch (error) {
      throw partial(error, done);
    }
  });
  if (done.length > 0) await tell(host, done);
}

async function askFiles(): Promise<readonly vscode.Uri[]> {
  const base = readSettings()?.baseDir;
  const files = await vscode.window.showOpenDialog({
    title: "Import Runs",
    openLabel: "Import",
    canSelectMany: true,
    filters: { "Exported runs": EXTENSIONS, "All files": ["*"] },
    ...(base === undefined ? {} : { defaultUri: vscode.Uri.file(base) }),
  });
  return files ?? [];
}

/** @returns the project for the runs, nothing for the one that each file names; null when the user left */
async function askProject(host: Host): Promise<{ project?: Slug } | null> {
  const api = await host.connection.api();
  const { projects } = await api.call("listProjects");
  const AS_IT_WAS = "$(file) As the file says";
  const picked = await vscode.window.showQuickPick(
    [
      { label: AS_IT_WAS, description: "“imported” where it says nothing" },
      ...projects.map(({ name, title }) => ({ label: name, description: title === name ? "" : title })),
    ],
    { title: "Project of the imported runs", matchOnDescription: true },
  );
  if (picked === undefined) return null;
  return picked.label === AS_IT_WAS ? {} : { project: Slug.parse(picked.label) };
}

/** What was imported before a file could not be read stays, and the message says so. */
function partial(error: unknown, done: readonly Imported[]): unknown {
  if (!(error instanceof TrainyardError) || done.length === 0) return error;
  const { code, message, hint, problems } = error;
  return new TrainyardError(code, `${message} (${counted(done.length, "run")} of the files before it came in)`, hint, problems, {
    cause: error,
  });
}

async function tell(host: Host, runs: readonly Imported[]): Promise<void> {
  const [first] = runs;
  const points = runs.reduce((sum, run) => sum + run.points, 0);
  const projects = [...new Set(runs.map((run) => run.project))].join(", ");
  const action = runs.length === 1 ? "Show Run" : "Explore";
  const answer = await vscode.window.showInformationMessage(
    `Imported ${counted(runs.length, "run")} with ${counted(points, "point")} into ${projects}.`,
    action,
  );
  if (answer === undefined || first === undefined) return;
  host.panels.open(runs.length === 1 ? { view: "dashboard", run: first.id } : { view: "explore", project: null, filter: "" });
}
