/** Paths of the workspace that a field is offered, and how they are written in a run document. */
import path from "node:path";
import * as vscode from "vscode";
import type { PathRule } from "../../protocol/webview.ts";
import { readSettings } from "../settings.ts";

const MOST = 200;
/** Environments, caches and the store of runs: nothing there is meant to be chosen. */
const LEFT_OUT = "{**/node_modules/**,**/.git/**,**/.venv/**,**/venv/**,**/site-packages/**,**/__pycache__/**,**/.trainyard/**}";
const DATASETS = "**/*.{jsonl,ndjson,json,csv,tsv,parquet,txt}";
/** Names of JSON files that are settings of a tool or a model and never rows. */
const SETTINGS =
  /(^|\/)(package(-lock)?|tsconfig[^/]*|config|generation_config|tokenizer[^/]*|special_tokens_map|vocab|added_tokens|adapter_config|model\.safetensors\.index)\.json$/;

/** Relative to the folder that is open where it can be, so that a document stays true when the folder moves. */
export function relativePath(file: string): string {
  const base = readSettings()?.baseDir;
  if (base === undefined) return file;
  const relative = path.relative(base, file);
  return relative === "" || relative.startsWith("..") || path.isAbsolute(relative) ? file : relative;
}

/** Files or folders of the workspace that such a field may take, at most 200, by name. */
export async function workspacePaths({ kind, holds }: PathRule): Promise<string[]> {
  switch (holds) {
    case "model": {
      // A model is a folder with a configuration; an adapter has one of its own name.
      const configurations = await find("**/{config,adapter_config}.json");
      return sorted(configurations.map((uri) => path.dirname(relativePath(uri.fsPath))).filter((folder) => folder !== "."));
    }
    case "python":
      return sorted((await find("**/*.py")).map((uri) => relativePath(uri.fsPath)));
    case "candles":
      return sorted((await find("**/*.csv")).map((uri) => relativePath(uri.fsPath)));
    case "dataset":
      return sorted((await find(DATASETS)).map((uri) => relativePath(uri.fsPath)).filter((file) => !SETTINGS.test(`/${file}`)));
    case undefined:
      return kind === "folder" ? [] : sorted((await find("**/*")).map((uri) => relativePath(uri.fsPath)));
  }
}

async function find(pattern: string): Promise<readonly vscode.Uri[]> {
  return vscode.workspace.findFiles(pattern, LEFT_OUT, MOST);
}

function sorted(paths: readonly string[]): string[] {
  return [...new Set(paths.map((each) => each.split(path.sep).join("/")))].sort((a, b) => a.localeCompare(b));
}
