/** The page of the machine in VS Code. */
import { mountPage } from "../components/page.ts";
import { acquireApi } from "../transport/vscode-api.ts";
import { VsCodeTransport } from "../transport/vscode-transport.ts";
import { System } from "./system.ts";

const api = acquireApi();
let shown: System | null = null;

const transport = new VsCodeTransport(api, ({ target }) => {
  if (target.view !== "system") return;
  // Kept by the editor, so that the panel comes back after a reload.
  api.setState({ target });
  shown ??= new System();
  shown.transport = transport;
  if (!shown.isConnected) mountPage(shown);
});
