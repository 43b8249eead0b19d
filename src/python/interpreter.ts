/**
 * Which Python runs the training: the setting wins, then the Python Environments extension, then the Python extension, then a virtual
 * environment of the workspace, then python3. Both extensions are optional and only their few used members are described.
 */
import * as vscode from "vscode";
import { Emitter, type Disposable } from "../emitter.ts";
import { readSettings } from "../settings.ts";
import { workspaceInterpreter } from "./workspace-environment.ts";

const ENVIRONMENTS_EXTENSION = "ms-python.vscode-python-envs";
const PYTHON_EXTENSION = "ms-python.python";

export interface Interpreter {
  readonly path: string;
  /** Where the choice came from, for people. */
  readonly origin: string;
}

interface EnvironmentsApi {
  getEnvironment(scope: vscode.Uri | undefined): Promise<{ execInfo?: { run?: { executable?: string } } } | undefined>;
  onDidChangeEnvironment?: vscode.Event<unknown>;
}

interface PythonApi {
  readonly environments?: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { readonly path: string };
    resolveEnvironment(environment: unknown): Promise<{ readonly executable?: { readonly uri?: vscode.Uri } } | undefined>;
    onDidChangeActiveEnvironmentPath?: vscode.Event<unknown>;
  };
}

export class PythonInterpreter implements Disposable {
  readonly #changed = new Emitter<null>();
  readonly onChange = this.#changed.event;
  readonly #disposables: vscode.Disposable[] = [];
  readonly #watched = new Set<string>();

  constructor() {
    this.#disposables.push(
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("trainyard.python")) this.#changed.fire(null);
      }),
    );
  }

  async current(): Promise<Interpreter> {
    const settings = readSettings();
    if (settings?.python != null) return { path: settings.python, origin: "setting trainyard.python" };
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    const chosen = (await this.#fromEnvironments(folder)) ?? (await this.#fromPythonExtension(folder));
    if (chosen !== null) return chosen;
    const local = settings === null ? null : await workspaceInterpreter(settings.baseDir);
    if (local !== null) return { path: local, origin: "virtual environment of the workspace" };
    return { path: process.platform === "win32" ? "python" : "python3", origin: "PATH" };
  }

  dispose(): void {
    for (const each of this.#disposables) each.dispose();
    this.#changed.dispose();
  }

  async #fromEnvironments(folder: vscode.Uri | undefined): Promise<Interpreter | null> {
    const api = await exportsOf<EnvironmentsApi>(ENVIRONMENTS_EXTENSION);
    if (typeof api?.getEnvironment !== "function") return null;
    this.#watch(ENVIRONMENTS_EXTENSION, api.onDidChangeEnvironment);
    const executable = (await settled(api.getEnvironment(folder)))?.execInfo?.run?.executable;
    return executable === undefined || executable === "" ? null : { path: executable, origin: "Python Environments extension" };
  }

  async #fromPythonExtension(folder: vscode.Uri | undefined): Promise<Interpreter | null> {
    const environments = (await exportsOf<PythonApi>(PYTHON_EXTENSION))?.environments;
    if (environments === undefined) return null;
    this.#watch(PYTHON_EXTENSION, environments.onDidChangeActiveEnvironmentPath);
    const active = environments.getActiveEnvironmentPath(folder);
    const executable = (await settled(environments.resolveEnvironment(active)))?.executable?.uri?.fsPath;
    return executable === undefined ? null : { path: executable, origin: "Python extension" };
  }

  #watch(extension: string, event: vscode.Event<unknown> | undefined): void {
    if (event === undefined || this.#watched.has(extension)) return;
    this.#watched.add(extension);
    this.#disposables.push(
      event(() => {
        this.#changed.fire(null);
      }),
    );
  }
}

const PATIENCE_MS = 5000;

/** What another extension answers, or undefined when it fails or hangs: its trouble must not become ours. */
async function settled<T>(answer: Promise<T>): Promise<T | undefined> {
  const late = new Promise<undefined>((resolve) => {
    setTimeout(() => {
      resolve(undefined);
    }, PATIENCE_MS).unref();
  });
  return Promise.race([answer.catch(() => undefined), late]);
}

async function exportsOf<T>(id: string): Promise<T | undefined> {
  const extension = vscode.extensions.getExtension<T | undefined>(id);
  if (extension === undefined) return undefined;
  return settled(Promise.resolve(extension.activate()));
}
