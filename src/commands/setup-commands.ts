/** Commands on the surroundings: the interpreter and the run server. */
import { access } from "node:fs/promises";
import path from "node:path";
import * as vscode from "vscode";
import type { Host } from "../host.ts";
import { workspaceInterpreter } from "../python/workspace-environment.ts";
import { readSettings } from "../settings.ts";

/** Not a path: an interpreter cannot be called so. */
const BROWSE = "\0browse";

export async function selectPython(host: Host): Promise<void> {
  const current = await host.python.current();
  const settings = readSettings();
  const local = settings === null ? null : await workspaceInterpreter(settings.baseDir);
  type Choice = vscode.QuickPickItem & { readonly value: string | null };
  const paths = [...new Set([current.path, local, "python3"].filter((each) => each !== null))];
  const choices: Choice[] = [
    ...paths.map((value) => ({ label: value, description: value === current.path ? `in use (${current.origin})` : "", value })),
    { label: "", kind: vscode.QuickPickItemKind.Separator, value: null },
    { label: "$(folder-opened) Browse…", value: BROWSE },
    {
      label: "$(discard) Follow the editor",
      description: "the Python extension's choice, or the workspace's virtual environment",
      value: null,
    },
  ];
  const picked = await vscode.window.showQuickPick(choices, { title: "Python interpreter for training", placeHolder: current.path });
  if (picked === undefined) return;
  let value = picked.value;
  if (value === BROWSE) {
    const files = await vscode.window.showOpenDialog({ title: "Python interpreter", canSelectMany: false });
    const file = files?.[0];
    if (file === undefined) return;
    value = file.fsPath;
  }
  await vscode.workspace.getConfiguration("trainyard").update("python", value ?? undefined, vscode.ConfigurationTarget.Workspace);
}

/** The server's own log file where there is one; the extension's channel otherwise. */
export async function showServerLog(host: Host): Promise<void> {
  const settings = readSettings();
  const file = settings === null ? null : path.join(settings.store, ".server", "server.log");
  host.log.show(true);
  if (file === null) return;
  try {
    await access(file);
  } catch {
    return;
  }
  await vscode.window.showTextDocument(vscode.Uri.file(file), { preview: true });
}

export async function restartServer(host: Host): Promise<void> {
  await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: "Restarting the run server…" }, () =>
    host.connection.restart(),
  );
}

/** Another try after the server did not start. */
export async function retryConnection(host: Host): Promise<void> {
  await host.connection.api();
}
