/** What the text editor knows of run documents: problems as you type, completion, hover, and the way to the form. Needs no other extension. */
import * as vscode from "vscode";
import type { PlacedProblem } from "../../protocol/run-document/read.ts";
import type { ServerConnection } from "../server/connection.ts";
import { DRAFT_SCHEME } from "./draft-documents.ts";
import type { RunCatalogue } from "./run-catalogue.ts";

// Reading YAML and the schema of specs are loaded with the first run document: activation stays short.
const problems = () => import("./run-problems.ts");
const suggesting = () => import("./run-suggestions.ts");

/** Also where another extension gives YAML files a language of its own. */
export const RUN_FILES: vscode.DocumentSelector = ["file", DRAFT_SCHEME].map((scheme) => ({ scheme, pattern: "**/*.run.{yaml,yml}" }));
const CHECK_AFTER_MS = 250;

export interface RunLanguageOptions {
  readonly catalogue: RunCatalogue;
  readonly connection: ServerConnection;
  readonly diagnostics: vscode.DiagnosticCollection;
  readonly log: vscode.LogOutputChannel;
}

export function registerRunLanguage({ catalogue, connection, diagnostics, log }: RunLanguageOptions): vscode.Disposable {
  const timers = new Map<string, NodeJS.Timeout>();
  const check = async (document: vscode.TextDocument): Promise<void> => {
    const { documentProblems } = await problems();
    if (document.isClosed) return;
    const text = document.getText();
    diagnostics.set(
      document.uri,
      documentProblems(text, catalogue.known).map((found) => toDiagnostic(document, found)),
    );
    // The recipe's own checks need its interpreter; nobody is woken for them alone.
    if (catalogue.known === null && connection.state.kind === "connected")
      catalogue.ask().catch((error: unknown) => {
        log.debug(`the recipes are not known: ${String(error)}`);
      });
  };
  const later = (document: vscode.TextDocument): void => {
    if (!isRunFile(document)) return;
    const key = document.uri.toString();
    clearTimeout(timers.get(key));
    timers.set(
      key,
      setTimeout(() => {
        timers.delete(key);
        check(document).catch((error: unknown) => {
          log.error(`${document.fileName} was not checked: ${String(error)}`);
        });
      }, CHECK_AFTER_MS),
    );
  };
  const all = (): void => {
    vscode.workspace.textDocuments.forEach(later);
  };
  all();
  return vscode.Disposable.from(
    vscode.workspace.onDidOpenTextDocument(later),
    vscode.workspace.onDidChangeTextDocument((event) => {
      if (event.contentChanges.length > 0) later(event.document);
    }),
    vscode.workspace.onDidCloseTextDocument((document) => {
      if (isRunFile(document)) diagnostics.delete(document.uri);
    }),
    catalogue.onChange(all),
    connection.onState((state) => {
      if (state.kind === "connected") all();
    }),
    vscode.languages.registerCompletionItemProvider(RUN_FILES, completion(catalogue), " ", "-", "["),
    vscode.languages.registerHoverProvider(RUN_FILES, {
      provideHover: async (document, position) => {
        const { explain } = await suggesting();
        const text = explain(document.getText(), document.offsetAt(position), await catalogue.ask());
        return text === null ? null : new vscode.Hover(new vscode.MarkdownString(text));
      },
    }),
    new vscode.Disposable(() => {
      for (const timer of timers.values()) clearTimeout(timer);
    }),
  );
}

function isRunFile(document: vscode.TextDocument): boolean {
  return vscode.languages.match(RUN_FILES, document) > 0;
}

function completion(catalogue: RunCatalogue): vscode.CompletionItemProvider {
  return {
    provideCompletionItems: async (document, position) => {
      const { suggestions } = await suggesting();
      const found = suggestions(document.getText(), document.offsetAt(position), await catalogue.ask());
      const range = new vscode.Range(position.translate(0, -found.replaces), position);
      const items = found.items.map((each, index) => {
        const item = new vscode.CompletionItem(
          { label: each.label, description: each.detail },
          each.kind === "field" ? vscode.CompletionItemKind.Property : vscode.CompletionItemKind.Value,
        );
        item.insertText = each.insert;
        item.documentation = new vscode.MarkdownString(each.documentation);
        item.range = range;
        // In the order of the form.
        item.sortText = String(index).padStart(4, "0");
        if (each.kind === "field") item.command = { command: "editor.action.triggerSuggest", title: "" };
        return item;
      });
      const { workspacePaths } = await import("./workspace-paths.ts");
      const paths = found.paths === null ? [] : await workspacePaths(found.paths);
      return [
        ...items,
        ...paths.map((path) => {
          const item = new vscode.CompletionItem(path, vscode.CompletionItemKind.File);
          item.range = range;
          return item;
        }),
      ];
    },
  };
}

export function toDiagnostic(document: vscode.TextDocument, { problem, range }: PlacedProblem): vscode.Diagnostic {
  const place =
    range === null
      ? new vscode.Range(0, 0, 0, 1)
      : new vscode.Range(document.positionAt(range[0]), document.positionAt(Math.max(range[1], range[0] + 1)));
  const severity = {
    error: vscode.DiagnosticSeverity.Error,
    warning: vscode.DiagnosticSeverity.Warning,
    info: vscode.DiagnosticSeverity.Information,
  };
  const text = [problem.message, problem.hint].filter((part) => part !== null).join(" ");
  const diagnostic = new vscode.Diagnostic(place, text, severity[problem.severity]);
  diagnostic.source = "Trainyard";
  return diagnostic;
}
