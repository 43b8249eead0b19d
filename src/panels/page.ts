/** One of our web applications in a webview of the editor, whoever made the webview: the page, the relay to the server, what it is told of the editor. */
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { SpecEdit } from "../../protocol/run-document/edit.ts";
import type { HostCommand, PanelTarget, ToWebview } from "../../protocol/webview.ts";
import type { PythonInterpreter } from "../python/interpreter.ts";
import type { ServerConnection } from "../server/connection.ts";
import { readSettings } from "../settings.ts";
import { panelPage } from "./html.ts";
import { type EditorEnvironment, prepareRequest } from "./requests.ts";
import { Relay } from "./relay.ts";

export interface PageServices {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly connection: ServerConnection;
  readonly python: PythonInterpreter;
  /** Carries out what a webview asks of the editor; `page` is the one that asks. */
  readonly onCommand: (command: HostCommand, page: Page) => Promise<void>;
}

export interface PageHooks {
  /** The page runs and knows what it shows; called again whenever it lost everything. */
  readonly onReady?: () => void;
  readonly onTitle?: (title: string) => void;
  readonly onEdit?: (sequence: number, edits: readonly SpecEdit[]) => void;
  readonly onVisible?: () => void;
}

export interface Page {
  readonly panel: vscode.WebviewPanel;
  readonly target: PanelTarget;
  readonly post: (message: ToWebview) => void;
}

export function fillPage(panel: vscode.WebviewPanel, target: PanelTarget, services: PageServices, hooks: PageHooks): Page {
  const { context, connection, log } = services;
  const files = vscode.Uri.joinPath(context.extensionUri, "dist", "webviews");
  const { webview } = panel;
  const page: Page = {
    panel,
    target,
    // An ArrayBuffer travels as it is; posting to a disposed panel answers false or rejects, and neither matters then.
    post: (message) => void Promise.resolve(webview.postMessage(message)).catch(() => undefined),
  };
  const environment = editorEnvironment(services.python);
  const init = async (): Promise<void> => {
    const { baseDir, trusted, python } = environment();
    page.post({ type: "init", target, workspace: baseDir, python: await python(), trusted });
  };
  const relay = new Relay(connection, {
    post: page.post,
    onReady: () => {
      void init();
      hooks.onReady?.();
    },
    onCommand: (command) => void services.onCommand(command, page),
    onTitle: (title) => hooks.onTitle?.(title),
    onEdit: (sequence, edits) => hooks.onEdit?.(sequence, edits),
    prepare: (route, body) => prepareRequest(route, body, environment()),
    log: (line) => {
      log.warn(line);
    },
  });
  const lifetime: { dispose(): void }[] = [
    services.python.onChange(() => void init()),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void init()),
    webview.onDidReceiveMessage((message: unknown) => {
      relay.receive(message);
    }),
    panel.onDidChangeViewState(() => {
      relay.setVisible(panel.visible);
      if (panel.visible) hooks.onVisible?.();
    }),
  ];
  panel.onDidDispose(() => {
    relay.dispose();
    for (const each of lifetime) each.dispose();
  });
  webview.options = { enableScripts: true, localResourceRoots: [files] };
  webview.html = panelPage({
    cspSource: webview.cspSource,
    nonce: randomBytes(16).toString("base64url"),
    script: webview.asWebviewUri(vscode.Uri.joinPath(files, `${target.view}.js`)).toString(),
    codicons: webview.asWebviewUri(vscode.Uri.joinPath(files, "codicon.css")).toString(),
    title: panel.title,
    view: target.view,
  });
  connection.connect();
  return page;
}

function editorEnvironment(interpreter: PythonInterpreter): () => EditorEnvironment {
  return () => ({
    baseDir: readSettings()?.baseDir ?? null,
    trusted: vscode.workspace.isTrusted,
    // In an untrusted workspace the interpreter is not even looked for: a `.venv` there is somebody else's program.
    python: async () => (vscode.workspace.isTrusted ? (await interpreter.current()).path : null),
  });
}
