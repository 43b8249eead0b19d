/** The environment of a training process. */
import path from "node:path";

/**
 * What the run server is started with so that the C library gives back what is freed: by default its bound grows with every large block,
 * and an idle server keeps 15 MB that nobody uses. Without effect where there is no glibc.
 */
export const SERVER_ALLOCATOR = { MALLOC_TRIM_THRESHOLD_: "131072" } as const;

/** The environment of a run server; what its user has set stays. */
export function serverEnvironment(source: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...SERVER_ALLOCATOR, ...source };
}

/** Variables of the editor, of the server and of an enclosing run, which a training must not see. */
function isForeign(name: string, value: string, fromEditor: boolean): boolean {
  if (Object.entries(SERVER_ALLOCATOR).some(([own, set]) => own === name && set === value)) return true;
  if (name.startsWith("VSCODE_") || name.startsWith("ELECTRON_")) return true;
  if (/^TRAINYARD_(RUN_|ATTEMPT$|STORE$|PROJECT$|SEED$)/.test(name)) return true;
  // The debugger of an editor loads itself into every Node process through this.
  return name === "NODE_OPTIONS" && fromEditor;
}

/** What a child inherits: everything but the variables of editor and server and those of an enclosing run. */
export function inheritedEnvironment(source: NodeJS.ProcessEnv): Record<string, string> {
  const fromEditor = Object.keys(source).some((name) => name.startsWith("VSCODE_") || name === "ELECTRON_RUN_AS_NODE");
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(source)) if (value !== undefined && !isForeign(name, value, fromEditor)) kept[name] = value;
  return kept;
}

export interface AttemptEnvironment {
  readonly packageRoot: string;
  readonly runDir: string;
  readonly runId: string;
  readonly attempt: number;
  readonly store: string;
  readonly project: string;
  /** Load the import hook that tracks unmodified scripts. */
  readonly track: boolean;
  /** Values for CUDA_VISIBLE_DEVICES; empty leaves it as it is. */
  readonly gpus: readonly string[];
  /** null: the document names none. */
  readonly seed: number | null;
  /** The spec's own variables. */
  readonly user: Readonly<Record<string, string>>;
}

/** Variables set on top of the inherited environment (attempt.json `env`). */
export function attemptEnvironment(options: AttemptEnvironment, inherited: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const { packageRoot, user } = options;
  const gpus: Record<string, string> = options.gpus.length > 0 ? { CUDA_VISIBLE_DEVICES: options.gpus.join(",") } : {};
  return {
    PYTHONUNBUFFERED: "1",
    ...gpus,
    ...(options.seed !== null && { TRAINYARD_SEED: String(options.seed) }),
    ...user,
    PYTHONPATH: pythonPath(packageRoot, options.track, user["PYTHONPATH"] ?? inherited["PYTHONPATH"]),
    TRAINYARD_RUN_DIR: options.runDir,
    TRAINYARD_RUN_ID: options.runId,
    TRAINYARD_ATTEMPT: String(options.attempt),
    TRAINYARD_STORE: options.store,
    TRAINYARD_PROJECT: options.project,
  };
}

/** PYTHONPATH with our package in front; the hook's folder before it, since Python takes the first sitecustomize it finds. */
export function pythonPath(packageRoot: string, hook: boolean, rest: string | undefined): string {
  const python = path.join(packageRoot, "python");
  const parts = hook ? [path.join(python, "trainyard", "_hook"), python] : [python];
  if (rest !== undefined && rest !== "") parts.push(rest);
  return parts.join(path.delimiter);
}
