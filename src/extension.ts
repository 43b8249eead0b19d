/**
 * The extension host's part: thin, and read from here. Two lifetimes: the extension (this file), and its connection to the run server
 * (server/connection.ts), which comes and goes. The runs belong to neither.
 */
import path from "node:path";
import * as vscode from "vscode";
import { RunDetail } from "../protocol/queries.ts";
import { resumeRun, forkRun, forceStopRun, stopRun } from "./commands/life-commands.ts";
import {
  copyCommand,
  copyRunId,
  deleteRun,
  openArtifact,
  openDashboard,
  openInBrowser,
  openLog,
  refreshRuns,
  renameRun,
  revealFolder,
  setArchived,
  setStarred,
} from "./commands/look-commands.ts";
import { restartServer, retryConnection, selectPython, showServerLog } from "./commands/setup-commands.ts";
import { cloneRun, newRun, runPythonFile, startDraft, startRunFile } from "./commands/start-commands.ts";
import { registerCommands, type CommandTable } from "./commands/table.ts";
import { LogDocuments } from "./documents/log-documents.ts";
import type { Host } from "./host.ts";
import { Notifications } from "./notifications.ts";
import { hostCommandError, runHostCommand } from "./panels/host-commands.ts";
import { PanelManager } from "./panels/panel-manager.ts";
import { PythonInterpreter } from "./python/interpreter.ts";
import { RunBoard } from "./runs/board.ts";
import { ServerConnection } from "./server/connection.ts";
import { readSettings } from "./settings.ts";
import { showViews } from "./views/views.ts";
import { TrainyardError } from "../protocol/errors.ts";

const COMMANDS = {
  "trainyard.newRun": { run: newRun, needs: "nothing", trusted: true },
  "trainyard.cloneRun": { run: cloneRun, needs: "server", trusted: true },
  "trainyard.runPythonFile": { run: runPythonFile, needs: "server", trusted: true },
  "trainyard.startDraft": { run: startDraft, needs: "server", trusted: true },
  "trainyard.stopRun": { run: stopRun, needs: "server" },
  "trainyard.forceStopRun": { run: forceStopRun, needs: "server" },
  "trainyard.resumeRun": { run: resumeRun, needs: "server", trusted: true },
  "trainyard.forkRun": { run: forkRun, needs: "server", trusted: true },
  "trainyard.openDashboard": { run: openDashboard, needs: "server" },
  "trainyard.openLog": { run: openLog, needs: "server" },
  "trainyard.openInBrowser": { run: openInBrowser, needs: "server" },
  "trainyard.openArtifact": { run: openArtifact, needs: "server" },
  "trainyard.copyCommand": { run: copyCommand, needs: "server" },
  "trainyard.copyRunId": { run: copyRunId, needs: "server" },
  "trainyard.revealFolder": { run: revealFolder, needs: "server" },
  "trainyard.renameRun": { run: renameRun, needs: "server" },
  "trainyard.starRun": { run: setStarred(true), needs: "server" },
  "trainyard.unstarRun": { run: setStarred(false), needs: "server" },
  "trainyard.archiveRun": { run: setArchived(true), needs: "server" },
  "trainyard.unarchiveRun": { run: setArchived(false), needs: "server" },
  "trainyard.deleteRun": { run: deleteRun, needs: "server" },
  "trainyard.refreshRuns": { run: refreshRuns, needs: "server" },
  "trainyard.selectPython": { run: selectPython, needs: "nothing", trusted: true },
  "trainyard.showServerLog": { run: showServerLog, needs: "nothing" },
  "trainyard.retryConnection": { run: retryConnection, needs: "nothing" },
  "trainyard.restartServer": { run: restartServer, needs: "nothing" },
} as const satisfies CommandTable;

export function activate(context: vscode.ExtensionContext): void {
  const host = createHost(context);
  const diagnostics = vscode.languages.createDiagnosticCollection("trainyard");
  context.subscriptions.push(diagnostics);
  registerCommands(host, COMMANDS);
  registerCommands(host, {
    "trainyard.startRunFile": { run: (...args) => startRunFile(host, diagnostics, ...args.slice(1)), needs: "server", trusted: true },
  });
  // A server that is already there is joined at once: the status bar shows what runs. None is started before it is needed.
  if (readSettings() !== null)
    host.connection.attach().catch((error: unknown) => {
      host.log.warn(`looking for the run server: ${String(error)}`);
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
  const notifications = new Notifications(context.workspaceState, board);
  const logs = new LogDocuments(connection, board);
  const panels = new PanelManager({
    context,
    log,
    connection,
    board,
    python,
    onCommand: (command, reply) => {
      runHostCommand(host, command, reply).catch((error: unknown) => {
        log.error(`${command.command}: ${String(error)}`);
        void vscode.window.showErrorMessage(hostCommandError(error));
      });
    },
    onAnswer: (route, body) => {
      if (route !== "createRun" && route !== "startRun" && route !== "resumeRun") return;
      const run = RunDetail.safeParse(body);
      if (run.success && run.data.state !== "draft") void notifications.remember(run.data.id);
    },
  });
  const runsTree = showViews({ context, connection, board });
  const host: Host = { context, log, connection, board, python, panels, logs, notifications, selection: () => runsTree.selection };
  context.subscriptions.push(log, python, connection, board, notifications, logs, panels);
  return host;
}
