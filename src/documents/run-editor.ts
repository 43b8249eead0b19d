/**
 * The form as an editor of a *.run.yaml: a view of the text document, as the text editor is. Each edit of the form is an edit of the text, so
 * undo, the dirty mark, diff and git are the editor's own, and form and text beside each other show the same.
 */
import path from "node:path";
import * as vscode from "vscode";
import { typedError } from "../error-text.ts";
import { applySpecEdits, type SpecEdit } from "../../protocol/run-document/edit.ts";
import { fillPage, type PageServices } from "../panels/page.ts";
import { changedRange } from "./changed-range.ts";

export class RunEditor implements vscode.CustomTextEditorProvider {
  readonly #services: PageServices;

  constructor(services: PageServices) {
    this.#services = services;
  }

  resolveCustomTextEditor(document: vscode.TextDocument, panel: vscode.WebviewPanel): void {
    /** The last edit of the form that is in the text, or was refused. */
    let applied = 0;
    let queue = Promise.resolve();
    const show = (): void => {
      page.post({ type: "document", text: document.getText(), applied, dirty: document.isDirty });
    };
    const page = fillPage(
      panel,
      { view: "builder", recipe: null, from: null, script: null, document: document.uri.toString() },
      this.#services,
      {
        onReady: () => {
          // A page that starts anew counts its edits anew.
          applied = 0;
          show();
        },
        onVisible: show,
        onEdit: (sequence, edits) => {
          queue = queue.then(async () => {
            await this.#edit(document, edits);
            applied = sequence;
            show();
          });
        },
      },
    );
    const lifetime = [
      vscode.workspace.onDidChangeTextDocument((event) => {
        if (event.document === document) show();
      }),
      vscode.workspace.onDidSaveTextDocument((saved) => {
        if (saved === document) show();
      }),
    ];
    panel.onDidDispose(() => {
      for (const each of lifetime) each.dispose();
    });
  }

  /** What cannot be done leaves the text as it is; the form shows it again. */
  async #edit(document: vscode.TextDocument, edits: readonly SpecEdit[]): Promise<void> {
    try {
      const before = document.getText();
      const change = changedRange(before, applySpecEdits(before, edits));
      if (change === null) return;
      const edit = new vscode.WorkspaceEdit();
      edit.replace(document.uri, new vscode.Range(document.positionAt(change.start), document.positionAt(change.end)), change.text);
      await vscode.workspace.applyEdit(edit);
    } catch (error) {
      this.#services.log.warn(`${path.basename(document.fileName)} was not edited: ${typedError(error).message}`);
    }
  }
}
