/** Tells the editor of `trainyard mcp`, so that agents which speak MCP find it without set-up. Editors before 1.101 have no place for it. */
import path from "node:path";
import * as vscode from "vscode";
import type { Host } from "../host.ts";
import { readSettings } from "../settings.ts";

const PROVIDER = "trainyard.mcp";

/** What VS Code 1.101 added to its API; the types that we build on are those of the oldest editor that we run in. */
interface McpApi {
  readonly McpStdioServerDefinition: new (
    label: string,
    command: string,
    args: string[],
    env: Record<string, string>,
    version: string,
  ) => object;
  readonly lm: {
    registerMcpServerDefinitionProvider(
      id: string,
      provider: { onDidChangeMcpServerDefinitions: vscode.Event<void>; provideMcpServerDefinitions(): Promise<object[]> },
    ): { dispose(): void };
  };
}

export function registerMcpServer({ context, python, log }: Host): { dispose(): void }[] {
  const api: object = vscode;
  if (!hasMcp(api)) return [];
  const changed = new vscode.EventEmitter<void>();
  const notify = (): void => {
    changed.fire();
  };
  const provider = {
    onDidChangeMcpServerDefinitions: changed.event,
    async provideMcpServerDefinitions(): Promise<object[]> {
      const settings = readSettings();
      // It can start training; an untrusted folder may not say with which interpreter and where.
      if (settings === null || !vscode.workspace.isTrusted) return [];
      const interpreter = (await python.current()).path;
      const args = [
        path.join(context.extensionPath, "dist", "cli.cjs"),
        ...["mcp", "--store", settings.store, "--base-dir", settings.baseDir],
        ...["--python", interpreter],
      ];
      const { version } = context.extension.packageJSON as { version: string };
      // Electron runs a script as Node does when it is told so; Node itself passes over the variable.
      return [new api.McpStdioServerDefinition("Trainyard", process.execPath, args, { ELECTRON_RUN_AS_NODE: "1" }, version)];
    },
  };
  let registration: { dispose(): void };
  try {
    registration = api.lm.registerMcpServerDefinitionProvider(PROVIDER, provider);
  } catch (error) {
    // 1.100 has the function as a proposal that reads another contribution. Nothing else may fail for that.
    log.info(`this editor takes no MCP server from extensions: ${String(error)}`);
    return [changed];
  }
  return [
    changed,
    registration,
    vscode.workspace.onDidGrantWorkspaceTrust(notify),
    vscode.workspace.onDidChangeWorkspaceFolders(notify),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("trainyard")) notify();
    }),
  ];
}

function hasMcp(api: object): api is McpApi {
  const { lm } = vscode;
  return "McpStdioServerDefinition" in api && "registerMcpServerDefinitionProvider" in lm;
}
