/** Starts the store's run server through the bundled CLI, which leaves it running on its own: it outlives this window. */
import { spawn } from "node:child_process";
import { ApiError, TrainyardError } from "../../protocol/errors.ts";
import { Discovery } from "../../protocol/discovery.ts";

export interface StartOptions {
  /** Absolute path of dist/cli.cjs. */
  readonly cli: string;
  readonly store: string;
  /** Folder that relative paths of a spec refer to. */
  readonly baseDir: string;
  /** Interpreter for recipes when a spec names none; null leaves the choice to the server. */
  readonly python: string | null;
  /** ms until the start is given up. */
  readonly timeoutMs?: number;
  /** Every line that the command writes to stderr. */
  readonly log: (line: string) => void;
}

const START_TIMEOUT_MS = 30_000;
const MAX_OUTPUT = 64 * 1024;

/** Resolves with the server's address once it answers. @throws TrainyardError with the command's own words */
export async function startServer(options: StartOptions): Promise<Discovery> {
  const args = [options.cli, "serve", "--ensure", "--store", options.store, "--base-dir", options.baseDir, "--json"];
  if (options.python !== null) args.push("--python", options.python);
  const timeoutMs = options.timeoutMs ?? START_TIMEOUT_MS;
  options.log(`starting the run server: ${args.slice(1).join(" ")}`);
  // The extension host's executable is Electron or VS Code's own Node; either runs a script with this variable set.
  const child = spawn(process.execPath, args, {
    cwd: options.baseDir,
    env: { ...process.env, ELECTRON_RUN_AS_NODE: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout = (stdout + text).slice(-MAX_OUTPUT)));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-MAX_OUTPUT);
    for (const line of text.split(/\r?\n/)) if (line !== "") options.log(line);
  });
  const timeout = AbortSignal.timeout(timeoutMs);
  timeout.addEventListener("abort", () => child.kill("SIGKILL"));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (error) => {
      reject(new TrainyardError("unavailable", `the run server cannot be started: ${error.message}`, null, [], { cause: error }));
    });
    // `exit`, not `close`: the detached server may hold on to the pipes.
    child.once("exit", (exitCode) => setImmediate(resolve, exitCode));
  }).finally(() => {
    child.stdout.destroy();
    child.stderr.destroy();
  });
  if (timeout.aborted)
    throw new TrainyardError(
      "timeout",
      `the run server did not start within ${timeoutMs / 1000} s`,
      "Open the server log to see where it waits.",
    );
  return readAnswer(code, stdout, stderr);
}

/** The last JSON line of the answer: the discovery record, or the typed error. */
export function readAnswer(code: number | null, stdout: string, stderr: string): Discovery {
  for (const line of `${stderr}\n${stdout}`.split(/\r?\n/).reverse()) {
    if (!line.startsWith("{")) continue;
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch {
      continue;
    }
    const error = ApiError.safeParse(json);
    if (error.success) throw TrainyardError.fromApi(error.data);
    const discovery = Discovery.safeParse(json);
    if (code === 0 && discovery.success) return discovery.data;
  }
  // A stack trace ends in noise: the line that names the error says most.
  const lines = (stderr.trim() || stdout.trim()).split(/\r?\n/);
  const words = (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? "").slice(0, 500);
  throw new TrainyardError(
    "unavailable",
    `the run server did not start (exit code ${code ?? "unknown"})${words === "" ? "" : `: ${words}`}`,
    "Open the server log for the whole story.",
  );
}
