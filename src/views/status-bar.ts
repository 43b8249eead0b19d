/** Shows views/status-text.ts in the status bar; hidden while nothing runs or waits. */
import * as vscode from "vscode";
import type { RunBoard } from "../runs/board.ts";
import type { QueueBoard } from "../runs/queue-board.ts";
import { statusText } from "./status-text.ts";

const REDRAW_MS = 1000;

export function createStatusBar(board: RunBoard, queue: QueueBoard): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("trainyard.runs", vscode.StatusBarAlignment.Left, 40);
  item.name = "Trainyard Runs";
  let timer: NodeJS.Timeout | null = null;

  const draw = (): void => {
    timer = null;
    const live = board.live();
    const status = statusText(live, queue.queue);
    const newest = live[0];
    if (status === null) {
      item.hide();
      return;
    }
    item.text = status.text;
    item.tooltip = new vscode.MarkdownString(status.tooltip);
    item.tooltip.isTrusted = { enabledCommands: ["trainyard.openDashboard", "trainyard.openLog", "trainyard.stopRun"] };
    item.accessibilityInformation = { label: status.spoken, role: "button" };
    item.command =
      newest !== undefined && live.length === 1
        ? { command: "trainyard.openDashboard", title: "Open Dashboard", arguments: [newest.id] }
        : { command: "trainyard.runs.focus", title: "Show Runs" };
    item.show();
  };
  const drawSoon = (): void => {
    timer ??= setTimeout(draw, REDRAW_MS);
  };
  const watching = [board.onChange(drawSoon), queue.onChange(drawSoon)];
  return new vscode.Disposable(() => {
    for (const each of watching) each.dispose();
    if (timer !== null) clearTimeout(timer);
    item.dispose();
  });
}
