/** The builder in VS Code: of a draft that the panel keeps, or of a document that the editor keeps. */
import type { PanelTarget } from "../../protocol/webview.ts";
import { mountPage } from "../components/page.ts";
import { acquireApi } from "../transport/vscode-api.ts";
import { VsCodeTransport } from "../transport/vscode-transport.ts";
import { Builder } from "./builder.ts";
import { DraftDocument, FileDocument, type RunDocument } from "./run-document.ts";

const api = acquireApi();
let shown: Builder | null = null;
const file = new FileDocument((sequence, edits) => {
  transport.edit(sequence, edits);
});

const transport = new VsCodeTransport(api, ({ target, python, workspace, trusted }) => {
  if (target.view !== "builder") return;
  // What is already typed stays when the host only repeats itself (the panel showed again).
  if (shown === null) {
    shown = new Builder();
    shown.document = documentOf(target);
  }
  const builder = shown;
  if (JSON.stringify(builder.target) !== JSON.stringify(target)) builder.target = target;
  builder.transport = transport;
  builder.python = python;
  builder.baseDir = workspace;
  builder.trusted = trusted;
  if (!builder.isConnected) mountPage(builder);
});
transport.onDocument((message) => {
  file.receive(message);
});

/** A draft comes back with what was typed after the window was reloaded. */
function documentOf(target: Extract<PanelTarget, { view: "builder" }>): RunDocument {
  if (target.document !== null) return file;
  const kept = api.getState();
  const before = typeof kept === "object" && kept !== null && "target" in kept ? kept : null;
  const same = JSON.stringify(before?.target) === JSON.stringify(target);
  const text = same && before !== null && "text" in before && typeof before.text === "string" ? before.text : null;
  api.setState({ target, text });
  return new DraftDocument(text, (next) => {
    api.setState({ target, text: next });
  });
}
