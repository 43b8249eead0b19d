/** The dashboard panel in VS Code: waits for what the host wants shown, then shows it. */
import type { RunId } from "../../protocol/ids.ts";
import { VsCodeTransport } from "../transport/vscode-transport.ts";
import { acquireApi } from "../transport/vscode-api.ts";
import { mountPage } from "../components/page.ts";
import { Dashboard } from "./dashboard.ts";

const api = acquireApi();
let shown: Dashboard | null = null;

const transport = new VsCodeTransport(api, ({ target }) => {
  if (target.view !== "dashboard") return;
  // Kept by the editor, so that the panel comes back after a reload.
  api.setState(target);
  show(target.run);
});

function show(run: RunId): void {
  if (shown === null) {
    shown = new Dashboard();
    shown.transport = transport;
    shown.runId = run;
    mountPage(shown);
  } else {
    shown.runId = run;
  }
}
