/** The plot builder in VS Code: waits for what the host wants shown, then shows it. */
import type { PlotSettings } from "../../protocol/saved.ts";
import { mountPage } from "../components/page.ts";
import { acquireApi } from "../transport/vscode-api.ts";
import { VsCodeTransport } from "../transport/vscode-transport.ts";
import { Plots } from "./plots.ts";

const api = acquireApi();
let shown: Plots | null = null;

const transport = new VsCodeTransport(api, ({ target }) => {
  if (target.view !== "plots" || shown !== null) return;
  const state = api.getState();
  const saved: unknown = typeof state === "object" && state !== null && "settings" in state ? state.settings : null;
  // Kept by the editor, so that the panel comes back after a reload.
  api.setState({ target, settings: saved });
  const plots = (shown = new Plots());
  plots.transport = transport;
  plots.saved = saved;
  plots.project = target.project;
  // A panel that comes back has its own filter by then.
  plots.filter = saved === null ? target.filter : "";
  plots.addEventListener("view-state", (event) => {
    api.setState({ target, settings: (event as CustomEvent<PlotSettings>).detail });
  });
  mountPage(plots);
});
