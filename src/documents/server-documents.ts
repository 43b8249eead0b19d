/** Read-only documents of a scheme of their own, whose text the run server has. */
import * as vscode from "vscode";
import type { ApiClient } from "../../protocol/client.ts";
import type { ServerConnection } from "../server/connection.ts";

/** The name of a run as the last part of a document's path, which its tab shows. */
export function asFileName(name: string): string {
  return name.replace(/[\\/?#]/g, "_");
}

export abstract class ServerDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #connection: ServerConnection;
  readonly #registration: vscode.Disposable;

  constructor(scheme: string, connection: ServerConnection) {
    this.#connection = connection;
    this.#registration = vscode.workspace.registerTextDocumentContentProvider(scheme, this);
  }

  abstract provideTextDocumentContent(uri: vscode.Uri): Promise<string>;

  dispose(): void {
    this.#registration.dispose();
  }

  protected api(): Promise<ApiClient> {
    return this.#connection.api();
  }

  protected async showBeside(before: vscode.Uri, after: vscode.Uri, title: string): Promise<void> {
    await vscode.commands.executeCommand("vscode.diff", before, after, title);
  }
}
