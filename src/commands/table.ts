/** Registers a table of commands: what each needs is said in the table, checked here, once, and every error is told here. */
import * as vscode from "vscode";
import type { ErrorCode } from "../../protocol/errors.ts";
import { errorText, typedError } from "../error-text.ts";
import type { Host } from "../host.ts";
import { untrusted } from "../panels/requests.ts";

export interface CommandEntry {
  /** `server`: the run server answers before the command runs; it is started when needed. */
  readonly needs: "nothing" | "server";
  /** Refused in a workspace that is not trusted, whatever the menus offer. */
  readonly trusted?: true;
  readonly run: (host: Host, ...args: unknown[]) => Promise<void>;
}

type Handler = CommandEntry["run"];

/** The handler of a module that is loaded with its first use. */
export function from<M>(load: () => Promise<M>, pick: (module: M) => Handler): Handler {
  return async (host, ...args) => pick(await load())(host, ...args);
}

export type CommandTable = Readonly<Record<`trainyard.${string}`, CommandEntry>>;

export function registerCommands(host: Host, table: CommandTable): void {
  for (const [id, entry] of Object.entries(table)) {
    const execute = async (...args: unknown[]): Promise<void> => {
      try {
        if (entry.trusted === true && !vscode.workspace.isTrusted) throw untrusted();
        if (entry.needs === "server") await withPatience(host);
        await entry.run(host, ...args);
      } catch (error) {
        await tellError(host, id, error, () => execute(...args));
      }
    };
    host.context.subscriptions.push(vscode.commands.registerCommand(id, execute));
  }
}

/** Progress in the status bar while the server starts; nothing at all when it answers already. */
async function withPatience(host: Host): Promise<void> {
  if (host.connection.state.kind === "connected") return;
  await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: "Starting the run server…" }, async () => {
    await host.connection.api();
  });
}

async function tellError(host: Host, id: string, error: unknown, retry: () => Promise<void>): Promise<void> {
  const typed = typedError(error);
  host.log.error(`${id}: ${typed.code}: ${typed.message}`, ...(error instanceof Error && error.stack !== undefined ? [error.stack] : []));
  const actions = nextSteps(typed.code);
  const chosen = await vscode.window.showErrorMessage(errorText(error), ...actions.keys());
  const command = chosen === undefined ? undefined : actions.get(chosen);
  if (command === "retry") await retry();
  else if (command !== undefined) await vscode.commands.executeCommand(command);
}

/** What can be done about it: the button's words and the command behind them. */
function nextSteps(code: ErrorCode): ReadonlyMap<string, string> {
  switch (code) {
    case "forbidden":
      return new Map(vscode.workspace.isTrusted ? [] : [["Manage Trust", "workbench.trust.manage"]]);
    case "python_unusable":
      return new Map([
        ["Select Interpreter", "trainyard.selectPython"],
        ["Retry", "retry"],
      ]);
    case "other_store":
      return new Map([["Manage Stores…", "trainyard.manageStores"]]);
    case "unavailable":
    case "timeout":
    case "internal":
    case "store_occupied":
    case "store_unwritable":
    case "disk_full":
    case "unauthorized":
      return new Map([
        ["Retry", "retry"],
        ["Open Log", "trainyard.showServerLog"],
      ]);
    case "bad_request":
    case "not_found":
    case "conflict":
    case "invalid_spec":
    case "unknown_recipe":
    case "missing_file":
    case "bad_dataset":
    case "bad_checkpoint":
    case "corrupt_record":
    case "too_large":
      return new Map();
  }
}
