/** Starts an attempt on this machine through a detached supervisor. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { access, readFile } from "node:fs/promises";
import path from "node:path";
import { TrainyardError } from "../../protocol/errors.ts";
import { ExitRecord, ProcessRecord } from "../../protocol/run.ts";
import { inheritedEnvironment } from "./environment.ts";

export interface LaunchRequest {
  /** Absolute; attempt.json is in it. */
  readonly attemptDir: string;
  /** Folder that holds dist/ and python/. */
  readonly packageRoot: string;
  /** How long the supervisor may take until it has started the process. */
  readonly timeoutMs?: number;
}

/** `exit` without `process`: it could not be started, `exit.launch_error` says why. */
export interface Launched {
  readonly process: ProcessRecord | null;
  readonly exit: ExitRecord | null;
}

const DEFAULT_TIMEOUT_MS = 15_000;
const POLL_MS = 20;

/** @throws TrainyardError internal when the supervisor itself does not start or says nothing in time */
export async function launchAttempt(request: LaunchRequest): Promise<Launched> {
  const { attemptDir } = request;
  const supervisor = path.join(request.packageRoot, "dist", "supervisor.cjs");
  if (!existsSync(supervisor)) throw new TrainyardError("internal", `${supervisor} is missing`, "Build or install the package again.");
  const environment = inheritedEnvironment(process.env);
  // Inside VS Code process.execPath is the editor; this makes it behave as Node.
  if (process.versions["electron"] !== undefined || process.env["ELECTRON_RUN_AS_NODE"] !== undefined)
    environment["ELECTRON_RUN_AS_NODE"] = "1";
  const child = spawn(process.execPath, [supervisor, attemptDir], {
    // Not the folder of whoever started the server: that one may be unmounted or deleted while training goes on.
    cwd: path.parse(attemptDir).root,
    detached: true,
    stdio: "ignore",
    env: environment,
    windowsHide: true,
  });
  const supervisorEnd: { reason?: string } = {};
  child.once("error", (error) => {
    supervisorEnd.reason = error.message;
  });
  child.once("exit", (code, signal) => {
    supervisorEnd.reason ??= `it ended with ${signal ?? String(code)}`;
  });
  // Training outlives the server, so the server must be able to end without it.
  child.unref();

  const deadline = Date.now() + (request.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  for (;;) {
    // Read before the check of the supervisor's end: it ends only after the last record is written.
    const gone = supervisorEnd.reason;
    const launched = await readLaunched(attemptDir);
    if (launched.process !== null || launched.exit !== null) return launched;
    if (gone !== undefined)
      throw new TrainyardError("internal", `the supervisor did not start: ${gone}`, `See ${path.join(attemptDir, "supervisor.log")}.`);
    if (Date.now() > deadline)
      throw new TrainyardError(
        "timeout",
        `the supervisor in ${attemptDir} did not answer in time`,
        "Is the machine out of memory or its disk stuck?",
      );
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function readLaunched(attemptDir: string): Promise<Launched> {
  const read = async <T>(name: string, parse: (value: unknown) => T): Promise<T | null> => {
    const file = path.join(attemptDir, name);
    try {
      await access(file);
    } catch {
      return null;
    }
    return parse(JSON.parse(await readFile(file, "utf8")));
  };
  return {
    exit: await read("exit.json", (value) => ExitRecord.parse(value)),
    process: await read("process.json", (value) => ProcessRecord.parse(value)),
  };
}
