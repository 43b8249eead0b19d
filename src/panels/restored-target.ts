/** What a panel showed before the window was loaded again. Pure. */
import { PanelTarget } from "../../protocol/webview.ts";
import { VIEW_TYPES } from "./view-types.ts";

/** What the webview kept by setState: the target alone, or the target beside its own navigation state. */
export function restoredTarget(viewType: string, state: unknown): PanelTarget | null {
  const wrapped = typeof state === "object" && state !== null && "target" in state ? state.target : state;
  const parsed = PanelTarget.safeParse(wrapped);
  if (parsed.success && VIEW_TYPES[parsed.data.view] === viewType) return parsed.data;
  // An empty builder has nothing to lose, nor has a table or a plot of all runs; a dashboard or a comparison without its runs is nothing.
  if (viewType === VIEW_TYPES.plots) return { view: "plots", project: null, filter: "" };
  if (viewType === VIEW_TYPES.sweeps) return { view: "sweeps", sweep: null };
  if (viewType === VIEW_TYPES.system) return { view: "system" };
  if (viewType === VIEW_TYPES.explore) return { view: "explore", project: null, filter: "" };
  return viewType === VIEW_TYPES.builder
    ? { view: "builder", recipe: null, from: null, script: null, dataset: null, document: null }
    : null;
}
