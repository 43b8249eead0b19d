/** What a webview may ask of the editor. The messages are validated before they come here. */
import path from "node:path";
import * as vscode from "vscode";
import { counted } from "../../protocol/counted.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { HostCommand, PathRule } from "../../protocol/webview.ts";
import { exportRuns, saveArtifact } from "../commands/export-commands.ts";
import { forkFrom, resumeFrom } from "../commands/life-commands.ts";
import { newSweepTarget } from "../commands/start-commands.ts";
import { revealPath } from "../commands/reveal.ts";
import type { Host } from "../host.ts";
import { RUN_EDITOR } from "../documents/run-editor-id.ts";
import { relativePath, workspacePaths } from "../documents/workspace-paths.ts";
import { readSettings } from "../settings.ts";
import type { Page } from "./page.ts";
import { untrusted } from "./requests.ts";

export async function runHostCommand(host: Host, command: HostCommand, page: Page): Promise<void> {
  switch (command.command) {
    case "open_run":
      host.panels.open({ view: "dashboard", run: command.run });
      return;
    case "compare_runs":
      host.panels.open({ view: "compare", runs: command.runs });
      return;
    case "export_runs": {
      const [first] = command.runs;
      const name = first === undefined ? "" : (host.board.run(first)?.name ?? first);
      await exportRuns(host, command.runs, command.runs.length === 1 ? name : counted(command.runs.length, "run"));
      return;
    }
    case "save_artifact":
      await saveArtifact(host, command.run, command.path);
      return;
    case "open_explore":
      host.panels.open({ view: "explore", project: command.project, filter: command.filter });
      return;
    case "open_plot":
      host.panels.open({ view: "plots", project: command.project, filter: command.filter });
      return;
    case "open_sweep":
      host.panels.open({ view: "sweeps", sweep: command.sweep });
      return;
    case "open_system":
      host.panels.open({ view: "system" });
      return;
    case "new_sweep":
      host.panels.open(newSweepTarget(command.from));
      return;
    case "open_log":
      await host.logs.show(command.run, command.attempt, host.board.run(command.run)?.name ?? command.run);
      return;
    case "diff_code": {
      const side = (run: RunId, file: string) => ({ run, name: host.board.run(run)?.name ?? run, file });
      await host.code.compare(side(command.baseline, command.baseline_path), side(command.run, command.path));
      return;
    }
    case "fork_run":
      trusted();
      await forkFrom(host, command.run, host.board.run(command.run)?.name ?? command.run, command.checkpoint, null);
      return;
    case "resume_run":
      trusted();
      await resumeFrom(host, command.run, host.board.run(command.run)?.name ?? command.run, command.checkpoint);
      return;
    case "cancel_run":
      await vscode.commands.executeCommand("trainyard.stopRun", command.run);
      return;
    case "reveal":
      await revealPath(command.path);
      return;
    case "copy":
      await vscode.env.clipboard.writeText(command.text);
      return;
    case "save_spec":
      // What was a draft is a document now: the form goes on with the file.
      if (await saveSpec(command.yaml, command.suggested_name)) page.panel.dispose();
      return;
    case "save_document":
      await documentOf(page)?.save();
      return;
    case "open_as_text": {
      const document = documentOf(page);
      if (document !== null) await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside });
      return;
    }
    case "list_paths":
      page.post({ type: "paths", request: command.request, paths: await workspacePaths(command.field) });
      return;
    case "pick_path":
      page.post({ type: "picked", request: command.request, path: await pickPath(command.field) });
      return;
  }
}

function trusted(): void {
  if (!vscode.workspace.isTrusted) throw untrusted();
}

/** The document that the page's form edits. */
function documentOf(page: Page): vscode.TextDocument | null {
  const uri = page.target.view === "builder" ? page.target.document : null;
  return vscode.workspace.textDocuments.find((each) => each.uri.toString() === uri) ?? null;
}

/** @returns whether it was saved */
async function saveSpec(yaml: string, suggested: string): Promise<boolean> {
  const base = readSettings()?.baseDir;
  const name = `${suggested.replace(/[^\w.-]+/g, "-").replace(/(\.run)?\.ya?ml$/, "") || "run"}.run.yaml`;
  const target = await vscode.window.showSaveDialog({
    title: "Save run file",
    ...(base === undefined ? {} : { defaultUri: vscode.Uri.file(path.join(base, name)) }),
    filters: { "Run file": ["run.yaml", "yaml"] },
  });
  if (target === undefined) return false;
  await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(yaml));
  await vscode.commands.executeCommand("vscode.openWith", target, RUN_EDITOR);
  return true;
}

async function pickPath({ kind, holds }: PathRule): Promise<string | null> {
  const base = readSettings()?.baseDir;
  const picked = await vscode.window.showOpenDialog({
    canSelectFiles: kind !== "folder" && holds !== "model",
    canSelectFolders: kind !== "file",
    canSelectMany: false,
    ...(base === undefined ? {} : { defaultUri: vscode.Uri.file(base) }),
  });
  const file = picked?.[0]?.fsPath;
  return file === undefined ? null : relativePath(file);
}
