/** The webview panels of this window: one dashboard per run, one builder per subject, comparisons and tables of runs, restored after a reload. */
import * as vscode from "vscode";
import type { PanelTarget } from "../../protocol/webview.ts";
import type { RunBoard } from "../runs/board.ts";
import type { PageServices } from "./page.ts";
import { VIEW_TYPES } from "./view-types.ts";

// Loaded with the first panel: activation stays short.
const pages = () => import("./page.ts");
const targets = () => import("./restored-target.ts");

export interface PanelManagerOptions extends PageServices {
  readonly board: RunBoard;
}

interface OpenPanel {
  readonly panel: vscode.WebviewPanel;
  readonly target: PanelTarget;
}

export class PanelManager implements vscode.WebviewPanelSerializer, vscode.Disposable {
  readonly #options: PanelManagerOptions;
  readonly #open = new Map<string, OpenPanel>();
  readonly #subscriptions: { dispose(): void }[];

  constructor(options: PanelManagerOptions) {
    this.#options = options;
    this.#subscriptions = [
      ...Object.values(VIEW_TYPES).map((type) => vscode.window.registerWebviewPanelSerializer(type, this)),
      options.board.onChange((change) => {
        for (const { panel, target } of this.#open.values())
          if (target.view === "dashboard" && (change.kind === "reset" || change.run.id === target.run)) panel.title = this.#title(target);
      }),
    ];
  }

  /** Shows the panel of `target`, a new one beside nothing else than the active column. */
  open(target: PanelTarget): void {
    const known = this.#open.get(keyOf(target));
    if (known !== undefined) {
      known.panel.reveal(known.panel.viewColumn);
      return;
    }
    const panel = vscode.window.createWebviewPanel(VIEW_TYPES[target.view], this.#title(target), vscode.ViewColumn.Active, {
      retainContextWhenHidden: true,
      enableFindWidget: false,
    });
    this.#fill(panel, target);
  }

  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const { restoredTarget } = await targets();
    const target = restoredTarget(panel.viewType, state);
    if (target === null) {
      this.#options.log.warn(`a panel of type ${panel.viewType} could not be restored: its state is not a panel target`);
      panel.dispose();
    } else this.#fill(panel, target);
  }

  dispose(): void {
    for (const each of this.#subscriptions) each.dispose();
  }

  #fill(panel: vscode.WebviewPanel, target: PanelTarget): void {
    const { context } = this.#options;
    const key = keyOf(target);
    this.#open.set(key, { panel, target });
    panel.onDidDispose(() => {
      if (this.#open.get(key)?.panel === panel) this.#open.delete(key);
    });
    panel.iconPath = {
      light: vscode.Uri.joinPath(context.extensionUri, "media", `${target.view}-light.svg`),
      dark: vscode.Uri.joinPath(context.extensionUri, "media", `${target.view}-dark.svg`),
    };
    panel.title = this.#title(target);
    void pages().then(({ fillPage }) => {
      // Closed before its page was there.
      if (this.#open.get(key)?.panel !== panel) return;
      fillPage(panel, target, this.#options, {
        onTitle: (title) => {
          // A dashboard is called as its run is; a builder may say what it builds. Capitals are the editor's affair.
          if (target.view !== "dashboard" && title.toLowerCase() !== panel.title.toLowerCase()) panel.title = title;
        },
      });
    });
  }

  #title(target: PanelTarget): string {
    switch (target.view) {
      case "dashboard":
        return this.#options.board.run(target.run)?.name ?? "Run";
      case "builder":
        return target.sweep === true ? "New Sweep" : "New Run";
      case "compare":
        return `Compare (${String(target.runs.length)})`;
      case "explore":
        return target.project === null ? "Explore" : `Explore: ${target.project}`;
      case "plots":
        return target.project === null ? "Plot" : `Plot: ${target.project}`;
      case "sweeps":
        return target.sweep === null ? "Sweeps" : "Sweep";
      case "system":
        return "System";
    }
  }
}

function keyOf(target: PanelTarget): string {
  switch (target.view) {
    case "dashboard":
      return `dashboard/${target.run}`;
    case "builder":
      return `builder/${JSON.stringify([target.recipe, target.from, target.script, target.dataset, target.sweep === true])}`;
    case "compare":
      // The same runs in another order are the same comparison.
      return `compare/${[...target.runs].sort().join()}`;
    case "explore":
      return `explore/${JSON.stringify([target.project, target.filter])}`;
    case "plots":
      return `plots/${JSON.stringify([target.project, target.filter])}`;
    case "sweeps":
      return `sweeps/${target.sweep ?? ""}`;
    case "system":
      return target.view;
  }
}
