/** Open Code as It Was: files of a run's code as read-only documents, shown as a diff against the files of now. `trainyard-code:/<run>/<file>` */
import path from "node:path";
import * as vscode from "vscode";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import type { RunId } from "../../protocol/ids.ts";
import { changedFiles, fileAsOf, type RunCode } from "../runs/run-code.ts";
import type { ServerConnection } from "../server/connection.ts";
import { ServerDocuments } from "./server-documents.ts";

const SCHEME = "trainyard-code";

/** A file of a run's code, relative to the top of the repository. */
export interface CodeFile {
  readonly run: RunId;
  readonly name: string;
  readonly file: string;
}

export class CodeDocuments extends ServerDocuments {
  constructor(connection: ServerConnection) {
    super(SCHEME, connection);
  }

  /** @throws TrainyardError when the run has no code to show */
  async show(run: RunId, name: string): Promise<void> {
    const code = await this.#codeOf(run);
    const files = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: "Reading the run's code…" }, () =>
      changedFiles(code),
    );
    if (files.length === 0) {
      void vscode.window.showInformationMessage(`${name}: the code is as it was when the run started (${code.commit.slice(0, 8)}).`);
      return;
    }
    const picked =
      files.length === 1
        ? files[0]
        : await vscode.window.showQuickPick(files, { title: `Code of ${name}`, placeHolder: "Files that changed since the run started" });
    if (picked === undefined) return;
    const then = documentUri(run, picked);
    const now = vscode.Uri.file(path.join(code.root, picked));
    await this.showBeside(then, now, `${path.basename(picked)} (${name} ↔ now)`);
  }

  /** A file of two runs beside each other. A run that had no such file has an empty side. */
  async compare(baseline: CodeFile, other: CodeFile): Promise<void> {
    const title = `${path.basename(other.file)} (${baseline.name} ↔ ${other.name})`;
    await this.showBeside(documentUri(baseline.run, baseline.file), documentUri(other.run, other.file), title);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const [, run = "", ...file] = uri.path.split("/");
    return fileAsOf(await this.#codeOf(run), file.join("/"));
  }

  async #codeOf(id: RunId): Promise<RunCode> {
    const run = await (await this.api()).call("getRun", { params: { id } });
    if (run.git?.commit == null)
      throw new TrainyardError(
        "not_found",
        `${run.name} was not started in a git repository with a commit`,
        "Commit the code, then later runs can be compared with it.",
      );
    return { root: run.git.root, commit: run.git.commit, patch: path.join(run.run_dir, "git.patch") };
  }
}

function documentUri(run: RunId, file: string): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, path: `/${run}/${file}` });
}
