/** The table of runs in VS Code: waits for what the host wants shown, then shows it. */
import type { ViewSettings } from "../../protocol/saved.ts";
import { mountPage } from "../components/page.ts";
import { acquireApi } from "../transport/vscode-api.ts";
import { VsCodeTransport } from "../transport/vscode-transport.ts";
import { Explore } from "./explore.ts";

const api = acquireApi();
let shown: Explore | null = null;

const transport = new VsCodeTransport(api, ({ target }) => {
  if (target.view !== "explore" || shown !== null) return;
  const state = api.getState();
  const saved: unknown = typeof state === "object" && state !== null && "settings" in state ? state.settings : null;
  // Kept by the editor, so that the panel comes back after a reload.
  api.setState({ target, settings: saved });
  const explore = (shown = new Explore());
  explore.transport = transport;
  explore.saved = saved;
  explore.project = target.project;
  // A panel that comes back has its own filter by then.
  explore.filter = saved === null ? target.filter : "";
  explore.addEventListener("view-state", (event) => {
    api.setState({ target, settings: (event as CustomEvent<ViewSettings>).detail });
  });
  mountPage(explore);
});
