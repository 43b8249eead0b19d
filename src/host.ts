/** What the parts of the extension share for as long as it is active. Built once in extension.ts. */
import type * as vscode from "vscode";
import type { PanelTarget } from "../protocol/webview.ts";
import type { CodeDocuments } from "./documents/code-documents.ts";
import type { LogDocuments } from "./documents/log-documents.ts";
import type { ManifestDocuments } from "./documents/manifest-documents.ts";
import type { PythonInterpreter } from "./python/interpreter.ts";
import type { RunNode } from "./runs/run-nodes.ts";
import type { RunBoard } from "./runs/board.ts";
import type { ServerConnection } from "./server/connection.ts";

export interface Panels {
  open(target: PanelTarget): void;
}

export interface Host {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly connection: ServerConnection;
  readonly board: RunBoard;
  readonly python: PythonInterpreter;
  readonly panels: Panels;
  readonly logs: LogDocuments;
  readonly code: CodeDocuments;
  readonly manifests: ManifestDocuments;
  /** What is wrong with run files. */
  readonly diagnostics: vscode.DiagnosticCollection;
  /** What is selected in the RUNS view. */
  readonly selection: () => readonly RunNode[];
}
