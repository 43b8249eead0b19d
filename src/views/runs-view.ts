/** The RUNS view: draws the nodes of runs/run-nodes.ts and redraws only what changed, at most a few times a second. */
import * as vscode from "vscode";
import type { Artifact, Checkpoint } from "../../protocol/artifact.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { RunLine } from "../../protocol/run-line.ts";
import { formatBytes, formatCount, formatValue, isolated } from "../runs/format.ts";
import type { BoardChange, RunBoard } from "../runs/board.ts";
import type { QueueBoard } from "../runs/queue-board.ts";
import { isShown, placeText, queueDescription } from "../runs/queue-text.ts";
import {
  archivedNodes,
  checkpointContext,
  countText,
  nodeId,
  projectDescription,
  projectNodes,
  runContext,
  runNodes,
  sweepRuns,
  sweepTitle,
  type RunNode,
} from "../runs/run-nodes.ts";
import { originText, runDescription, runSpoken, runTooltip, stateLook } from "../runs/run-text.ts";
import { TreeChanges } from "../runs/tree-changes.ts";
import type { ServerConnection } from "../server/connection.ts";

const REDRAW_MS = 400;
export const RUN_SCHEME = "trainyard-run";

export class RunsView implements vscode.TreeDataProvider<RunNode>, vscode.FileDecorationProvider, vscode.Disposable {
  readonly #board: RunBoard;
  readonly #queue: QueueBoard;
  readonly #connection: ServerConnection;
  readonly #changed = new vscode.EventEmitter<RunNode[] | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #decorations = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChangeFileDecorations = this.#decorations.event;
  /** One object per node: the tree finds a node again by identity. */
  readonly #nodes = new Map<string, RunNode>();
  readonly #changes: TreeChanges;
  readonly #subscriptions: { dispose(): void }[];
  #timer: NodeJS.Timeout | null = null;

  constructor(board: RunBoard, queue: QueueBoard, connection: ServerConnection) {
    this.#board = board;
    this.#queue = queue;
    this.#connection = connection;
    this.#changes = new TreeChanges(queue.queue);
    this.#subscriptions = [
      board.onChange((change) => {
        this.#note(change);
      }),
      queue.onChange((now) => {
        this.#changes.noteQueue(now);
        this.#redrawSoon();
      }),
    ];
  }

  dispose(): void {
    for (const each of this.#subscriptions) each.dispose();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#changed.dispose();
    this.#decorations.dispose();
  }

  refresh(): void {
    this.#changed.fire(undefined);
  }

  async getChildren(node?: RunNode): Promise<RunNode[]> {
    const runs = this.#board.runs();
    if (node === undefined) return this.#kept([...(isShown(this.#queue.queue) ? [{ kind: "queue" } as const] : []), ...projectNodes(runs)]);
    switch (node.kind) {
      case "queue":
        return this.#kept((this.#queue.queue?.waiting ?? []).map(({ id }) => ({ kind: "waiting", run: id })));
      case "waiting":
        return [];
      case "project":
        return this.#kept(runNodes(runs, node.project));
      case "archived":
        return this.#kept(archivedNodes(runs, node.project));
      case "sweep":
        return this.#kept(sweepRuns(runs, node.project, node.sweep).map(({ id }) => ({ kind: "run", run: id })));
      case "run":
        return this.#kept(await this.#groups(node.run));
      case "checkpoints": {
        const { checkpoints } = await (await this.#connection.api()).call("listCheckpoints", { params: { id: node.run } });
        return this.#kept(
          checkpoints.filter((c) => c.status !== "missing").map((checkpoint) => ({ kind: "checkpoint", run: node.run, checkpoint })),
        );
      }
      case "artifacts": {
        const { artifacts } = await (await this.#connection.api()).call("listArtifacts", { params: { id: node.run } });
        return this.#kept(
          artifacts.filter((a) => a.kind !== "checkpoint").map((artifact) => ({ kind: "artifact", run: node.run, artifact })),
        );
      }
      case "checkpoint":
      case "artifact":
        return [];
    }
  }

  getParent(node: RunNode): RunNode | undefined {
    switch (node.kind) {
      case "project":
      case "queue":
        return undefined;
      case "waiting":
        return this.#keep({ kind: "queue" });
      case "archived":
      case "sweep":
        return this.#keep({ kind: "project", project: node.project });
      case "run": {
        const run = this.#board.run(node.run);
        if (run === undefined) return undefined;
        if (run.sweep !== undefined && !run.archived) return this.#keep({ kind: "sweep", project: run.project, sweep: run.sweep.id });
        return this.#keep({ kind: run.archived ? "archived" : "project", project: run.project });
      }
      case "checkpoints":
      case "artifacts":
        return this.#keep({ kind: "run", run: node.run });
      case "checkpoint":
        return this.#keep({ kind: "checkpoints", run: node.run });
      case "artifact":
        return this.#keep({ kind: "artifacts", run: node.run });
    }
  }

  /** The node of a run as the tree knows it, to reveal it. */
  runNode(id: RunId): RunNode {
    return this.#keep({ kind: "run", run: id });
  }

  getTreeItem(node: RunNode): vscode.TreeItem {
    const item = this.#item(node);
    item.id = nodeId(node);
    return item;
  }

  /** The hover tells more of a run than its line holds: it is asked for when somebody looks. */
  async resolveTreeItem(item: vscode.TreeItem, node: RunNode): Promise<vscode.TreeItem> {
    if ((node.kind !== "run" && node.kind !== "waiting") || this.#connection.state.kind !== "connected") return item;
    const run = await (await this.#connection.api()).call("getRun", { params: { id: node.run } });
    item.tooltip = new vscode.MarkdownString(runTooltip(run));
    return item;
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    if (uri.scheme !== RUN_SCHEME) return undefined;
    return this.#board.run(uri.path.slice(1))?.starred === true ? new vscode.FileDecoration("★", "Starred") : undefined;
  }

  #item(node: RunNode): vscode.TreeItem {
    switch (node.kind) {
      case "project": {
        const item = new vscode.TreeItem(node.project, vscode.TreeItemCollapsibleState.Expanded);
        item.iconPath = new vscode.ThemeIcon("project");
        item.description = projectDescription(this.#board.runs(), node.project);
        item.contextValue = "project";
        return item;
      }
      case "archived": {
        const item = new vscode.TreeItem("Archived", vscode.TreeItemCollapsibleState.Collapsed);
        item.iconPath = new vscode.ThemeIcon("archive");
        item.description = String(archivedNodes(this.#board.runs(), node.project).length);
        return item;
      }
      case "sweep": {
        const runs = sweepRuns(this.#board.runs(), node.project, node.sweep);
        const item = new vscode.TreeItem(runs[0] === undefined ? "Sweep" : sweepTitle(runs[0]), vscode.TreeItemCollapsibleState.Collapsed);
        item.iconPath = new vscode.ThemeIcon("layers");
        item.description = countText(runs);
        item.tooltip = "A sweep: one document, many runs";
        item.contextValue = "sweep";
        item.command = { command: "trainyard.openSweeps", title: "Open Sweep", arguments: [node] };
        return item;
      }
      case "queue": {
        const { queue } = this.#queue;
        const paused = queue !== null && queue.paused_at !== null;
        const item = new vscode.TreeItem("Queue", vscode.TreeItemCollapsibleState.Expanded);
        item.iconPath = new vscode.ThemeIcon(paused ? "debug-pause" : "list-ordered");
        item.description = queue === null ? "" : queueDescription(queue);
        item.tooltip = "Runs that wait for their turn, in the order in which they start";
        item.contextValue = paused ? "queue paused" : "queue going";
        return item;
      }
      case "run":
        return this.#runItem(node.run);
      case "waiting": {
        const item = this.#runItem(node.run);
        item.collapsibleState = vscode.TreeItemCollapsibleState.None;
        return item;
      }
      case "checkpoints": {
        const item = new vscode.TreeItem("Checkpoints", vscode.TreeItemCollapsibleState.Expanded);
        item.description = String(this.#board.run(node.run)?.checkpoint_count ?? "");
        item.contextValue = "checkpoints";
        return item;
      }
      case "artifacts":
        return new vscode.TreeItem("Artifacts", vscode.TreeItemCollapsibleState.Collapsed);
      case "checkpoint":
        return checkpointItem(node.run, this.#board.run(node.run), node.checkpoint);
      case "artifact":
        return artifactItem(node.artifact);
    }
  }

  #runItem(id: RunId): vscode.TreeItem {
    const run = this.#board.run(id);
    if (run === undefined) return new vscode.TreeItem(id);
    const look = stateLook(run);
    const item = new vscode.TreeItem(isolated(run.name), vscode.TreeItemCollapsibleState.Collapsed);
    item.iconPath = new vscode.ThemeIcon(look.icon, look.color === null ? undefined : new vscode.ThemeColor(look.color));
    const place = this.#queue.place(id);
    const description = place === undefined ? runDescription(run, this.#board.trend(id)) : placeText(place);
    item.description = [description, originText(run)].filter(Boolean).join(" · ");
    item.contextValue = runContext(run);
    item.accessibilityInformation = { label: runSpoken(run) };
    item.resourceUri = vscode.Uri.from({ scheme: RUN_SCHEME, path: `/${id}` });
    if (run.damage === null) item.command = { command: "trainyard.openDashboard", title: "Open Dashboard", arguments: [this.runNode(id)] };
    return item;
  }

  async #groups(id: RunId): Promise<RunNode[]> {
    const run = this.#board.run(id);
    if (run?.damage !== null) return [];
    const groups: RunNode[] = [];
    if (run.checkpoint_count > 0) groups.push({ kind: "checkpoints", run: id });
    const { artifacts } = await (await this.#connection.api()).call("listArtifacts", { params: { id } });
    if (artifacts.some((artifact) => artifact.kind !== "checkpoint")) groups.push({ kind: "artifacts", run: id });
    return groups;
  }

  #note(change: BoardChange): void {
    this.#changes.noteRuns(change);
    if (change.kind === "run" && change.before?.starred !== change.run.starred)
      this.#decorations.fire(vscode.Uri.from({ scheme: RUN_SCHEME, path: `/${change.run.id}` }));
    this.#redrawSoon();
  }

  #redrawSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#redraw();
    }, REDRAW_MS);
  }

  #redraw(): void {
    this.#timer = null;
    const rows = this.#changes.take();
    if (rows === "all") this.#changed.fire(undefined);
    else {
      // What was never drawn need not be drawn again.
      const drawn = rows.map((row) => this.#nodes.get(nodeId(row))).filter((node) => node !== undefined);
      if (drawn.length > 0) this.#changed.fire(drawn);
    }
  }

  #kept(nodes: readonly RunNode[]): RunNode[] {
    return nodes.map((node) => this.#keep(node));
  }

  #keep(node: RunNode): RunNode {
    const id = nodeId(node);
    const known = this.#nodes.get(id);
    // A checkpoint's node carries its data and is replaced when that changed (torn, pruned, evaluated).
    if (known !== undefined && known.kind !== "checkpoint" && known.kind !== "artifact") return known;
    this.#nodes.set(id, node);
    return node;
  }
}

function checkpointItem(id: RunId, run: RunLine | undefined, checkpoint: Checkpoint): vscode.TreeItem {
  const item = new vscode.TreeItem(checkpoint.name, vscode.TreeItemCollapsibleState.None);
  const usable = checkpoint.status === "complete";
  item.iconPath = new vscode.ThemeIcon(usable ? "bookmark" : checkpoint.status === "writing" ? "sync" : "warning");
  const evaluation = Object.entries(checkpoint.metrics).find(([name]) => name.endsWith("loss"));
  item.description = [
    evaluation === undefined ? null : formatValue(evaluation[1]),
    formatBytes(checkpoint.size_bytes),
    checkpoint.final ? "final" : null,
    checkpoint.kind === "full" ? null : checkpoint.kind,
    usable ? null : checkpoint.status,
  ]
    .filter((part) => part !== null)
    .join(" · ");
  item.tooltip = [
    `Step ${formatCount(checkpoint.step)}, attempt ${checkpoint.attempt}, ${checkpoint.framework}`,
    checkpoint.problem,
    checkpoint.path,
  ]
    .filter((part) => part !== null)
    .join("\n");
  item.contextValue = checkpointContext(run, checkpoint);
  item.accessibilityInformation = {
    label: `checkpoint at step ${checkpoint.step}, ${checkpoint.status}, ${checkpoint.resumable ? "can be resumed" : "cannot be resumed"}`,
  };
  item.command = { command: "trainyard.openDashboard", title: "Open Dashboard", arguments: [id] };
  return item;
}

function artifactItem(artifact: Artifact): vscode.TreeItem {
  const item = new vscode.TreeItem(artifact.name, vscode.TreeItemCollapsibleState.None);
  item.iconPath = new vscode.ThemeIcon(artifact.is_directory ? "folder" : "file");
  item.description = `${artifact.kind === "other" ? "" : `${artifact.kind} · `}${formatBytes(artifact.size_bytes)}`;
  item.tooltip = artifact.path;
  item.contextValue = artifact.is_directory ? "artifact folder" : "artifact file";
  return item;
}
