/** The user's settings, read anew at each use: they may change at any time. */
import path from "node:path";
import * as vscode from "vscode";

export interface Settings {
  /** Absolute path of the store. */
  readonly store: string;
  /** Folder that relative paths refer to: the first workspace folder. */
  readonly baseDir: string;
  /** Interpreter the user named, with `${workspaceFolder}` filled in; null when the choice is left to the editor. */
  readonly python: string | null;
  readonly notifications: "all" | "failures" | "off";
  readonly openDashboardOnStart: boolean;
  /** °C; null leaves it to the store. */
  readonly gpuTemperatureWarning: number | null;
  /** Percent; null leaves it to the store. */
  readonly gpuMemoryWarning: number | null;
}

export const DEFAULT_STORE = ".trainyard";

/** null without an open folder: there is then no place for runs. */
export function readSettings(): Settings | null {
  const baseDir = vscode.workspace.workspaceFolders?.find((folder) => folder.uri.scheme === "file")?.uri.fsPath;
  if (baseDir === undefined) return null;
  const configuration = vscode.workspace.getConfiguration("trainyard");
  return {
    store: path.resolve(baseDir, expand(configuration.get("store", DEFAULT_STORE).trim() || DEFAULT_STORE, baseDir)),
    baseDir,
    python: pythonSetting(configuration.get("python", ""), baseDir),
    notifications: configuration.get("notifications", "all"),
    openDashboardOnStart: configuration.get("openDashboardOnStart", true),
    gpuTemperatureWarning: configuration.get("gpuTemperatureWarning", null),
    gpuMemoryWarning: configuration.get("gpuMemoryWarning", null),
  };
}

function pythonSetting(value: string, baseDir: string): string | null {
  const text = expand(value.trim(), baseDir);
  if (text === "") return null;
  // A bare name is looked up on the PATH; anything with a separator is a path of the workspace.
  return /[\\/]/.test(text) ? path.resolve(baseDir, text) : text;
}

function expand(text: string, baseDir: string): string {
  return text.replaceAll("${workspaceFolder}", baseDir).replace(/^~(?=[\\/]|$)/, process.env["HOME"] ?? "~");
}
