/** The builder panel in VS Code. */
import { mountPage } from "../components/page.ts";
import { acquireApi } from "../transport/vscode-api.ts";
import { VsCodeTransport } from "../transport/vscode-transport.ts";
import { Builder } from "./builder.ts";

const api = acquireApi();
let shown: Builder | null = null;

const transport = new VsCodeTransport(api, ({ target, python, workspace, trusted }) => {
  if (target.view !== "builder") return;
  api.setState(target);
  const builder = shown ?? new Builder();
  // What is already typed stays when the host only repeats itself (the panel showed again).
  if (JSON.stringify(builder.target) !== JSON.stringify(target) || shown === null) builder.target = target;
  builder.transport = transport;
  builder.python = python;
  builder.baseDir = workspace;
  builder.trusted = trusted;
  if (shown === null) mountPage(builder);
  shown = builder;
});
