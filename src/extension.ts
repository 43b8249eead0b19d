/**
 * The extension host's part: thin, and read from here. Two lifetimes: the extension (this file), and its connection to the run server
 * (server/connection.ts), which comes and goes. The runs belong to neither.
 */
import path from "node:path";
import * as vscode from "vscode";
import { TrainyardError } from "../protocol/trainyard-error.ts";
import { registerLanguageModelTools } from "./agent/language-model-tools.ts";
import { registerMcpServer } from "./agent/mcp-server.ts";
import { from, registerCommands, type CommandTable } from "./commands/table.ts";
import { CodeDocuments } from "./documents/code-documents.ts";
import { RunCatalogue } from "./documents/run-catalogue.ts";
import { RUN_EDITOR } from "./documents/run-editor-id.ts";
import { registerRunLanguage } from "./documents/run-language.ts";
import { DraftDocuments } from "./documents/draft-documents.ts";
import { LogDocuments } from "./documents/log-documents.ts";
import { ManifestDocuments } from "./documents/manifest-documents.ts";
import { registerTrainingLens } from "./documents/training-lens.ts";
import { errorText } from "./error-text.ts";
import type { Host } from "./host.ts";
import { Notifications } from "./notifications.ts";
import type { PageServices } from "./panels/page.ts";
import { PanelManager } from "./panels/panel-manager.ts";
import { PythonInterpreter } from "./python/interpreter.ts";
import { RunBoard } from "./runs/board.ts";
import { ServerConnection } from "./server/connection.ts";
import { readSettings } from "./settings.ts";
import { offerTerminalCommand } from "./terminal-command.ts";
import { showViews } from "./views/views.ts";
import { WarningLimits } from "./warning-limits.ts";

// Loaded with the first command that needs them: activation stays short.
const start = () => import("./commands/start-commands.ts");
const queue = () => import("./commands/queue-commands.ts");
const templates = () => import("./commands/template-commands.ts");
const life = () => import("./commands/life-commands.ts");
const look = () => import("./commands/look-commands.ts");
const many = () => import("./commands/trash-commands.ts");
const importing = () => import("./commands/import-commands.ts");
const exporting = () => import("./commands/export-commands.ts");
const setup = () => import("./commands/setup-commands.ts");
const projects = () => import("./commands/project-commands.ts");
const experiments = () => import("./commands/experiment-commands.ts");
const checkpoints = () => import("./commands/checkpoint-commands.ts");
const searching = () => import("./commands/search-commands.ts");
const stores = () => import("./commands/store-commands.ts");
const webhooks = () => import("./commands/webhook-commands.ts");

/** Every command: what it does, whether the run server must answer first, whether it launches something of the workspace. */
const COMMANDS = {
  "trainyard.newRun": { run: from(start, (c) => c.newRun), needs: "nothing", trusted: true },
  "trainyard.newRunFromFile": { run: from(start, (c) => c.newRunFromFile), needs: "nothing", trusted: true },
  "trainyard.cloneRun": { run: from(start, (c) => c.cloneRun), needs: "server", trusted: true },
  "trainyard.newSweep": { run: from(start, (c) => c.newSweep), needs: "server", trusted: true },
  "trainyard.runPythonFile": { run: from(start, (c) => c.runPythonFile), needs: "server", trusted: true },
  "trainyard.startRunFile": { run: from(start, (c) => c.startRunFile), needs: "server", trusted: true },
  "trainyard.openAsForm": { run: from(start, (c) => c.openAsForm), needs: "nothing" },
  "trainyard.openAsText": { run: from(start, (c) => c.openAsText), needs: "nothing" },
  "trainyard.editDraft": { run: from(start, (c) => c.editDraft), needs: "server", trusted: true },
  "trainyard.startDraft": { run: from(start, (c) => c.startDraft), needs: "server", trusted: true },
  "trainyard.queueRunFile": { run: from(start, (c) => c.queueRunFile), needs: "server", trusted: true },
  "trainyard.saveAsTemplate": { run: from(templates, (c) => c.saveAsTemplate), needs: "server" },
  "trainyard.enqueueRun": { run: from(queue, (c) => c.enqueueRun), needs: "server", trusted: true },
  "trainyard.dequeueRun": { run: from(queue, (c) => c.dequeueRun), needs: "server" },
  "trainyard.startNow": { run: from(queue, (c) => c.startNow), needs: "server", trusted: true },
  "trainyard.moveUpInQueue": { run: from(queue, (c) => c.moveUpInQueue), needs: "server" },
  "trainyard.moveDownInQueue": { run: from(queue, (c) => c.moveDownInQueue), needs: "server" },
  "trainyard.pauseQueue": { run: from(queue, (c) => c.pauseQueue), needs: "server" },
  "trainyard.resumeQueue": { run: from(queue, (c) => c.resumeQueue), needs: "server", trusted: true },
  "trainyard.setQueueLimit": { run: from(queue, (c) => c.setQueueLimit), needs: "server", trusted: true },
  "trainyard.setQueueGpus": { run: from(queue, (c) => c.setQueueGpus), needs: "server", trusted: true },
  "trainyard.showQueueHistory": { run: from(queue, (c) => c.showQueueHistory), needs: "server" },
  "trainyard.stopRun": { run: from(life, (c) => c.stopRun), needs: "server" },
  "trainyard.forceStopRun": { run: from(life, (c) => c.forceStopRun), needs: "server" },
  "trainyard.resumeRun": { run: from(life, (c) => c.resumeRun), needs: "server", trusted: true },
  "trainyard.forkRun": { run: from(life, (c) => c.forkRun), needs: "server", trusted: true },
  "trainyard.openDashboard": { run: from(look, (c) => c.openDashboard), needs: "server" },
  "trainyard.compareRuns": { run: from(look, (c) => c.compareRuns), needs: "server" },
  "trainyard.exploreRuns": { run: from(look, (c) => c.exploreRuns), needs: "server" },
  "trainyard.openSweeps": { run: from(look, (c) => c.openSweeps), needs: "server" },
  "trainyard.openSystem": { run: from(look, (c) => c.openSystem), needs: "server" },
  "trainyard.buildPlot": { run: from(look, (c) => c.buildPlot), needs: "server" },
  "trainyard.openCode": { run: from(look, (c) => c.openCode), needs: "server" },
  "trainyard.openLog": { run: from(look, (c) => c.openLog), needs: "server" },
  "trainyard.openLogRange": { run: from(look, (c) => c.openLogRange), needs: "server" },
  "trainyard.openInBrowser": { run: from(look, (c) => c.openInBrowser), needs: "server" },
  "trainyard.openApiPage": { run: from(look, (c) => c.openApiPage), needs: "server" },
  "trainyard.openArtifact": { run: from(look, (c) => c.openArtifact), needs: "server" },
  "trainyard.exportRun": { run: from(exporting, (c) => c.exportRun), needs: "server" },
  "trainyard.importRuns": { run: from(importing, (c) => c.importRuns), needs: "server" },
  "trainyard.exportAdapter": { run: from(exporting, (c) => c.exportAdapter), needs: "server" },
  "trainyard.copyCommand": { run: from(look, (c) => c.copyCommand), needs: "server" },
  "trainyard.copyRunId": { run: from(look, (c) => c.copyRunId), needs: "server" },
  "trainyard.revealFolder": { run: from(look, (c) => c.revealFolder), needs: "server" },
  "trainyard.renameRun": { run: from(look, (c) => c.renameRun), needs: "server" },
  "trainyard.starRun": { run: from(many, (c) => c.setStarred(true)), needs: "server" },
  "trainyard.unstarRun": { run: from(many, (c) => c.setStarred(false)), needs: "server" },
  "trainyard.archiveRun": { run: from(many, (c) => c.setArchived(true)), needs: "server" },
  "trainyard.unarchiveRun": { run: from(many, (c) => c.setArchived(false)), needs: "server" },
  "trainyard.tagRuns": { run: from(many, (c) => c.tagRuns), needs: "server" },
  "trainyard.deleteRun": { run: from(many, (c) => c.deleteRun), needs: "server" },
  "trainyard.restoreRuns": { run: from(many, (c) => c.restoreRuns), needs: "server" },
  "trainyard.emptyTrash": { run: from(many, (c) => c.emptyTrash), needs: "server" },
  "trainyard.newProject": { run: from(projects, (c) => c.newProject), needs: "server" },
  "trainyard.editProject": { run: from(projects, (c) => c.editProject), needs: "server" },
  "trainyard.openExperiments": { run: from(experiments, (c) => c.openExperiments), needs: "server" },
  "trainyard.moveToExperiment": { run: from(experiments, (c) => c.moveToExperiment), needs: "server" },
  "trainyard.tagCheckpoint": { run: from(checkpoints, (c) => c.tagCheckpoint), needs: "server" },
  "trainyard.searchLogs": { run: from(searching, (c) => c.searchLogs), needs: "server" },
  "trainyard.refreshRuns": { run: from(look, (c) => c.refreshRuns), needs: "server" },
  "trainyard.selectPython": { run: from(setup, (c) => c.selectPython), needs: "nothing", trusted: true },
  "trainyard.showServerLog": { run: from(setup, (c) => c.showServerLog), needs: "nothing" },
  "trainyard.retryConnection": { run: from(setup, (c) => c.retryConnection), needs: "nothing" },
  "trainyard.manageWebhooks": { run: from(webhooks, (c) => c.manageWebhooks), needs: "server", trusted: true },
  "trainyard.manageStores": { run: from(stores, (c) => c.manageStores), needs: "server", trusted: true },
  "trainyard.restartServer": { run: from(setup, (c) => c.restartServer), needs: "nothing" },
} as const satisfies CommandTable;

export function activate(context: vscode.ExtensionContext): void {
  const host = createHost(context);
  registerCommands(host, COMMANDS);
  const { contributes } = context.extension.packageJSON as { contributes: { languageModelTools: { name: string }[] } };
  const tools = contributes.languageModelTools.map(({ name }) => name);
  context.subscriptions.push(...registerLanguageModelTools(host, tools), ...registerMcpServer(host));
  // A server that is already there is joined at once: the status bar shows what runs. None is started before it is needed.
  if (readSettings() !== null)
    host.connection.attach().catch((error: unknown) => {
      host.log.warn(`looking for the run server: ${String(error)}`);
    });
  offerTerminalCommand(context).catch((error: unknown) => {
    host.log.warn(`the trainyard command is not on the PATH of terminals: ${String(error)}`);
  });
}

function createHost(context: vscode.ExtensionContext): Host {
  const log = vscode.window.createOutputChannel("Trainyard", { log: true });
  const python = new PythonInterpreter();
  const connection = new ServerConnection({
    cli: path.join(context.extensionPath, "dist", "cli.cjs"),
    target: async () => {
      const settings = readSettings();
      if (settings === null)
        throw new TrainyardError("missing_file", "no folder is open", "Open the folder that your training code is in.");
      return {
        store: settings.store,
        baseDir: settings.baseDir,
        python: vscode.workspace.isTrusted ? (await python.current()).path : null,
      };
    },
    log: (line) => {
      log.info(line);
    },
  });
  const board = new RunBoard(connection);
  const notifications = new Notifications(connection, board, (text) => {
    log.warn(text);
  });
  const limits = new WarningLimits(connection, (text) => {
    log.warn(text);
  });
  const logs = new LogDocuments(connection, board);
  const services: PageServices = {
    context,
    log,
    connection,
    python,
    onCommand: async (command, page) => {
      const { runHostCommand } = await import("./panels/host-commands.ts");
      await runHostCommand(host, command, page).catch((error: unknown) => {
        log.error(`${command.command}: ${String(error)}`);
        void vscode.window.showErrorMessage(errorText(error));
      });
    },
  };
  const panels = new PanelManager({ ...services, board });
  const runsTree = showViews({ context, connection, board }, limits);
  const diagnostics = vscode.languages.createDiagnosticCollection("trainyard");
  const code = new CodeDocuments(connection);
  const manifests = new ManifestDocuments(connection);
  const catalogue = new RunCatalogue(connection, python);
  const host: Host = {
    context,
    log,
    connection,
    board,
    python,
    panels,
    logs,
    code,
    manifests,
    diagnostics,
    selection: () => runsTree.selection,
  };
  context.subscriptions.push(log, python, connection, board, notifications, limits, logs, panels, diagnostics, catalogue, code, manifests);
  context.subscriptions.push(
    new DraftDocuments(connection),
    registerTrainingLens(),
    registerRunLanguage({ catalogue, connection, diagnostics, log }),
    vscode.window.registerCustomEditorProvider(RUN_EDITOR, runEditor(services), { webviewOptions: { retainContextWhenHidden: true } }),
  );
  return host;
}

function runEditor(services: PageServices): vscode.CustomTextEditorProvider {
  return {
    resolveCustomTextEditor: async (document, panel) => {
      const { RunEditor } = await import("./documents/run-editor.ts");
      new RunEditor(services).resolveCustomTextEditor(document, panel);
    },
  };
}
