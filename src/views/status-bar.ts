/** Shows views/status-text.ts in the status bar; hidden while nothing runs. */
import * as vscode from "vscode";
import type { RunBoard } from "../runs/board.ts";
import { statusText } from "./status-text.ts";

const REDRAW_MS = 1000;

export function createStatusBar(board: RunBoard): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("trainyard.runs", vscode.StatusBarAlignment.Left, 40);
  item.name = "Trainyard Runs";
  let timer: NodeJS.Timeout | null = null;

  const draw = (): void => {
    timer = null;
    const live = board.live();
    const status = statusText(live);
    const newest = live[0];
    if (status === null || newest === undefined) {
      item.hide();
      return;
    }
    item.text = status.text;
    item.tooltip = new vscode.MarkdownString(status.tooltip);
    item.tooltip.isTrusted = { enabledCommands: ["trainyard.openDashboard", "trainyard.openLog", "trainyard.stopRun"] };
    item.accessibilityInformation = { label: status.spoken, role: "button" };
    item.command =
      live.length === 1
        ? { command: "trainyard.openDashboard", title: "Open Dashboard", arguments: [newest.id] }
        : { command: "trainyard.runs.focus", title: "Show Runs" };
    item.show();
  };
  const watching = board.onChange(() => {
    timer ??= setTimeout(draw, REDRAW_MS);
  });
  return new vscode.Disposable(() => {
    watching.dispose();
    if (timer !== null) clearTimeout(timer);
    item.dispose();
  });
}
