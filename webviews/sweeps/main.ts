/** The sweeps panel in VS Code: waits for what the host wants shown, then shows it. */
import { mountPage } from "../components/page.ts";
import { acquireApi } from "../transport/vscode-api.ts";
import { VsCodeTransport } from "../transport/vscode-transport.ts";
import { Sweeps } from "./sweeps.ts";

const api = acquireApi();
let shown: Sweeps | null = null;

const transport = new VsCodeTransport(api, ({ target }) => {
  if (target.view !== "sweeps") return;
  // Kept by the editor, so that the panel comes back after a reload.
  api.setState({ target });
  shown ??= new Sweeps();
  shown.transport = transport;
  shown.sweep = target.sweep;
  if (!shown.isConnected) mountPage(shown);
});
