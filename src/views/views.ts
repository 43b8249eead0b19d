/** The activity-bar container: RUNS, SYSTEM, the status-bar item, and the context keys that menus and welcome texts ask for. */
import * as vscode from "vscode";
import { counted } from "../../protocol/counted.ts";
import { errorText } from "../error-text.ts";
import type { Host } from "../host.ts";
import { QueueBoard } from "../runs/queue-board.ts";
import type { RunNode } from "../runs/run-nodes.ts";
import { readSettings } from "../settings.ts";
import type { WarningLimits } from "../warning-limits.ts";
import { RunsView } from "./runs-view.ts";
import { createStatusBar } from "./status-bar.ts";
import { SystemView } from "./system-view.ts";

/** Creates them all for the lifetime of the extension; gives back the tree, for its selection. */
export function showViews(host: Pick<Host, "context" | "connection" | "board">, limits: WarningLimits): vscode.TreeView<RunNode> {
  const { connection, board, context } = host;
  const queue = new QueueBoard(connection);
  const runs = new RunsView(board, queue, connection);
  const tree = vscode.window.createTreeView("trainyard.runs", { treeDataProvider: runs, showCollapseAll: true, canSelectMany: true });
  const system = new SystemView(connection, limits);
  const systemTree = vscode.window.createTreeView("trainyard.system", { treeDataProvider: system });

  const describe = (): void => {
    const { state } = connection;
    // A message would hide the welcome text with its buttons: it is only for a tree that has rows.
    tree.message =
      state.kind === "reconnecting"
        ? "Reconnecting to the run server. The runs go on."
        : state.kind === "failed" && board.runs().length > 0
          ? errorText(state.error)
          : "";
    void vscode.commands.executeCommand("setContext", "trainyard.server", state.kind);
    void vscode.commands.executeCommand("setContext", "trainyard.loaded", board.loaded);
    const live = board.live().length;
    tree.badge = live === 0 ? undefined : { value: live, tooltip: counted(live, "run in progress", "runs in progress") };
  };
  /** Without a folder there is no store to look at: the welcome text offers to open one. */
  const join = (): void => {
    if (readSettings() !== null) connection.connect();
  };
  context.subscriptions.push(
    runs,
    tree,
    system,
    systemTree,
    queue,
    createStatusBar(board, queue),
    vscode.window.registerFileDecorationProvider(runs),
    connection.onState(describe),
    board.onChange(describe),
    tree.onDidChangeVisibility(({ visible }) => {
      if (visible) join();
    }),
    systemTree.onDidChangeVisibility(({ visible }) => {
      system.setVisible(visible && readSettings() !== null);
    }),
    vscode.workspace.onDidChangeWorkspaceFolders(() => {
      if (tree.visible) join();
    }),
  );
  if (tree.visible) join();
  system.setVisible(systemTree.visible && readSettings() !== null);
  describe();
  return tree;
}
