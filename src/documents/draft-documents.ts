/**
 * Edit Draft: the document of a run that has not started, as a text that is saved into the run. `trainyard-draft:/<run>/<name>.run.yaml`
 * Once the run has started the text can only be read.
 */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import * as vscode from "vscode";
import type { RunId } from "../../protocol/ids.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { errorText } from "../error-text.ts";
import type { ServerConnection } from "../server/connection.ts";
import { asFileName } from "./server-documents.ts";

export const DRAFT_SCHEME = "trainyard-draft";

// Reading YAML and the schema of specs are loaded with the first draft that is saved: activation stays short.
const requests = () => import("../../protocol/run-document/draft.ts");

export class DraftDocuments implements vscode.FileSystemProvider, vscode.Disposable {
  readonly #connection: ServerConnection;
  readonly #changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.#changed.event;
  readonly #registration: vscode.Disposable;

  constructor(connection: ServerConnection) {
    this.#connection = connection;
    this.#registration = vscode.workspace.registerFileSystemProvider(DRAFT_SCHEME, this, { isCaseSensitive: true });
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const draft = await this.#draft(uri);
    const { ctimeMs, mtimeMs, size } = await stat(documentOf(draft));
    const file = { type: vscode.FileType.File, ctime: ctimeMs, mtime: mtimeMs, size };
    return draft.state === "draft" ? file : { ...file, permissions: vscode.FilePermission.Readonly };
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    return readFile(documentOf(await this.#draft(uri)));
  }

  async writeFile(uri: vscode.Uri, content: Uint8Array): Promise<void> {
    try {
      const draft = await this.#draft(uri);
      const { draftRequest } = await requests();
      const body = draftRequest(draft, path.posix.basename(uri.path), new TextDecoder().decode(content));
      await (await this.#connection.api()).call("editDraft", { params: { id: draft.id }, body });
    } catch (error) {
      // What the editor shows beside "Failed to save".
      throw new vscode.FileSystemError(errorText(error));
    }
    this.#changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined); // nobody else writes a draft while it is edited
  }

  readDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }

  async #draft(uri: vscode.Uri): Promise<RunDetail> {
    return (await this.#connection.api()).call("getRun", { params: { id: runOf(uri) } });
  }
}

export function draftUri({ id, name }: Pick<RunSummary, "id" | "name">): vscode.Uri {
  return vscode.Uri.from({ scheme: DRAFT_SCHEME, path: `/${id}/${asFileName(name)}.run.yaml` });
}

/** What is started is what stands in the editor. */
export async function saveDraft(run: RunId): Promise<void> {
  for (const document of vscode.workspace.textDocuments)
    if (document.uri.scheme === DRAFT_SCHEME && runOf(document.uri) === run && document.isDirty) await document.save();
}

function runOf(uri: vscode.Uri): RunId {
  return uri.path.split("/")[1] ?? "";
}

function documentOf({ run_dir: folder }: RunDetail): string {
  return path.join(folder, "spec.yaml");
}
