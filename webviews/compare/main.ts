/** The comparison panel in VS Code: waits for what the host wants shown, then shows it. */
import { mountPage } from "../components/page.ts";
import { acquireApi } from "../transport/vscode-api.ts";
import { VsCodeTransport } from "../transport/vscode-transport.ts";
import { Compare } from "./compare.ts";
import type { CompareSettings } from "./compare-settings.ts";

const api = acquireApi();
let shown: Compare | null = null;

const transport = new VsCodeTransport(api, ({ target }) => {
  if (target.view !== "compare") return;
  const state = api.getState();
  const saved = typeof state === "object" && state !== null && "settings" in state ? (state.settings as Partial<CompareSettings>) : {};
  // Kept by the editor, so that the panel comes back after a reload.
  api.setState({ target, settings: saved });
  if (shown === null) {
    const compare = (shown = new Compare());
    compare.transport = transport;
    compare.saved = saved;
    compare.runs = target.runs;
    compare.addEventListener("view-state", (event) => {
      api.setState({ target, settings: (event as CustomEvent<CompareSettings>).detail });
    });
    mountPage(compare);
  } else if (shown.runs.join() !== target.runs.join()) {
    shown.runs = target.runs;
  }
});
