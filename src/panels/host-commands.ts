/** What a webview may ask of the editor. The messages are validated before they come here. */
import path from "node:path";
import * as vscode from "vscode";
import type { HostCommand, ToWebview } from "../../protocol/webview.ts";
import { exportRuns } from "../commands/export-commands.ts";
import { forkFrom, resumeFrom } from "../commands/life-commands.ts";
import { revealPath } from "../commands/reveal.ts";
import type { Host } from "../host.ts";
import { readSettings } from "../settings.ts";
import { untrusted } from "./requests.ts";

export async function runHostCommand(host: Host, command: HostCommand, reply: (message: ToWebview) => void): Promise<void> {
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
      await exportRuns(host, command.runs, command.runs.length === 1 ? name : `${String(command.runs.length)} runs`);
      return;
    }
    case "open_log":
      await host.logs.show(command.run, command.attempt, host.board.run(command.run)?.name ?? command.run);
      return;
    case "fork_run":
      trusted();
      await forkFrom(host, command.run, host.board.run(command.run)?.name ?? command.run, command.checkpoint, null);
      return;
    case "resume_run":
      trusted();
      await resumeFrom(host, command.run, command.checkpoint);
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
      await saveSpec(command.yaml, command.suggested_name);
      return;
    case "pick_path":
      reply({ type: "picked", request: command.request, path: await pickPath(command.kind) });
      return;
  }
}

function trusted(): void {
  if (!vscode.workspace.isTrusted) throw untrusted();
}

async function saveSpec(yaml: string, suggested: string): Promise<void> {
  const base = readSettings()?.baseDir;
  const name = `${suggested.replace(/[^\w.-]+/g, "-").replace(/(\.run)?\.ya?ml$/, "") || "run"}.run.yaml`;
  const target = await vscode.window.showSaveDialog({
    title: "Save run file",
    ...(base === undefined ? {} : { defaultUri: vscode.Uri.file(path.join(base, name)) }),
    filters: { "Run file": ["run.yaml", "yaml"] },
  });
  if (target === undefined) return;
  await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(yaml));
  await vscode.window.showTextDocument(target);
}

async function pickPath(kind: "file" | "folder" | "any"): Promise<string | null> {
  const base = readSettings()?.baseDir;
  const picked = await vscode.window.showOpenDialog({
    canSelectFiles: kind !== "folder",
    canSelectFolders: kind !== "file",
    canSelectMany: false,
    ...(base === undefined ? {} : { defaultUri: vscode.Uri.file(base) }),
  });
  const file = picked?.[0]?.fsPath;
  if (file === undefined) return null;
  if (base === undefined) return file;
  const relative = path.relative(base, file);
  return relative === "" || relative.startsWith("..") || path.isAbsolute(relative) ? file : relative;
}
