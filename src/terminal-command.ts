/**
 * Puts the `trainyard` command on the PATH of integrated terminals. The command is a small launcher in the extension's own storage, since
 * the bundled CLI needs a Node to run on: the extension host's own executable.
 */
import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type * as vscode from "vscode";
import { readSettings } from "./settings.ts";
import { launcherFile } from "./terminal-launcher.ts";

export async function offerTerminalCommand(context: vscode.ExtensionContext): Promise<void> {
  const folder = path.join(context.globalStorageUri.fsPath, "bin");
  await mkdir(folder, { recursive: true });
  const launcher = launcherFile(process.platform, process.execPath, path.join(context.extensionPath, "dist", "cli.cjs"));
  const file = path.join(folder, launcher.name);
  await writeFile(file, launcher.text);
  await chmod(file, 0o755);
  const environment = context.environmentVariableCollection;
  environment.description = "The `trainyard` command, and the store of this window";
  environment.prepend("PATH", folder + path.delimiter);
  const settings = readSettings();
  if (settings !== null) environment.replace("TRAINYARD_STORE", settings.store);
}
