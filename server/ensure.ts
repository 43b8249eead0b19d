/** Finds the store's server, or starts one that lives on its own. What `trainyard serve --ensure` does. */
import { spawn } from "node:child_process";
import { statfs } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { createClient } from "../protocol/client.ts";
import { PROTOCOL_VERSION, type Discovery } from "../protocol/discovery.ts";
import { ApiError, TrainyardError } from "../protocol/errors.ts";
import { findServer, makePrivateFolder, privateRuntimeFolder, serverFolder } from "./discovery/discovery.ts";
import { serverEnvironment } from "./launch/environment.ts";
import { findPackageRoot } from "./package-root.ts";
import { makeFolders } from "./store/atomic.ts";
import { writeError } from "./store/fs-errors.ts";
import { openFile, readWholeText } from "./store/open-file.ts";

export interface EnsureOptions {
  /** The store's folder; made when it is missing. */
  readonly store: string;
  /** Interpreter that the server uses when a spec names none. */
  readonly python?: string | null;
  /** Folder that relative paths of specs refer to. Default: the folder that holds the store. */
  readonly baseDir?: string | null;
  /** Default 600: the server leaves after ten minutes without clients and live runs. */
  readonly idleExitSeconds?: number;
  readonly packageRoot?: string;
  /** ms until the start is given up. */
  readonly timeoutMs?: number;
}

const START_TIMEOUT_MS = 20_000;
const DEFAULT_IDLE_SECONDS = 600;
const POLL_MS = 25;

/**
 * The address of a server that answers.
 * @throws TrainyardError store_occupied | store_unwritable | timeout | unavailable
 */
export async function ensureServer(options: EnsureOptions): Promise<Discovery> {
  const deadline = Date.now() + (options.timeoutMs ?? START_TIMEOUT_MS);
  const running = await answering(options.store, Math.min(deadline, Date.now() + 5_000));
  if (running !== null) return running;

  const packageRoot = options.packageRoot ?? findPackageRoot();
  const logFile = await makeLogFile(options.store);
  const args = [path.join(packageRoot, "dist", "server.cjs"), "--store", path.resolve(options.store)];
  args.push("--idle-exit", String(options.idleExitSeconds ?? DEFAULT_IDLE_SECONDS));
  if (options.python != null) args.push("--python", options.python);
  if (options.baseDir != null) args.push("--base-dir", path.resolve(options.baseDir));
  const start = (): Ending => startDetached([...debuggerOptions(), ...args, "--detached", logFile], packageRoot);
  let end = start();
  let isSecond = false;
  while (Date.now() < deadline) {
    const found = await answering(options.store, deadline);
    if (found !== null) return found;
    if (end.how !== null) {
      const failure = await startFailure(logFile, end.how);
      // Another one was started in the same moment and won: it is the one to use.
      const other = failure.code === "store_occupied" ? await answering(options.store, Math.min(deadline, Date.now() + 3_000), true) : null;
      if (other !== null) return other;
      if (failure.code !== "store_occupied" || isSecond) throw failure;
      // Nobody answers: the one that held the store was about to end, and is gone by now.
      isSecond = true;
      end = start();
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new TrainyardError("timeout", "the run server did not answer in time", `Its log is ${logFile}.`);
}

interface Ending {
  /** Exit code, signal or reason; null while it runs. */
  how: number | string | null;
}

/** In a session of its own and with no shared pipes: it outlives the terminal and the window that started it. */
function startDetached(args: readonly string[], cwd: string): Ending {
  const env = serverEnvironment(process.env);
  const child = spawn(process.execPath, [...args], { detached: true, stdio: "ignore", windowsHide: true, cwd, env });
  const end: Ending = { how: null };
  child.once("error", (error) => (end.how = error.message));
  child.once("exit", (code, signal) => (end.how = code ?? signal ?? "unknown"));
  child.unref();
  return end;
}

/** For those who work on the server: TRAINYARD_SERVER_INSPECT=host:port makes it listen for a debugger (see CONTRIBUTING.md). */
function debuggerOptions(): string[] {
  const address = process.env["TRAINYARD_SERVER_INSPECT"];
  return address === undefined || address === "" ? [] : [`--inspect=${address}`];
}

/** @param wait look again until `deadline` while there is no discovery file */
async function answering(store: string, deadline: number, wait = false): Promise<Discovery | null> {
  for (;;) {
    const found = await findServer(store);
    if (found !== null) {
      if (found.protocol !== PROTOCOL_VERSION) throw wrongVersion(found);
      try {
        await createClient(found).call("getServer", { timeoutMs: Math.max(250, deadline - Date.now()) });
        return found;
      } catch (error) {
        // It is starting, ending, or was killed a moment ago.
        if (!(error instanceof TrainyardError)) throw error;
        if (Date.now() >= deadline) return null;
      }
    } else if (!wait || Date.now() >= deadline) return null;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function makeLogFile(store: string): Promise<string> {
  const absolute = path.resolve(store);
  try {
    await makeFolders(absolute);
    await makePrivateFolder(serverFolder(absolute), absolute);
    const file = path.join(serverFolder(absolute), "server.log");
    await (await openFile(file, "append")).close();
    return file;
  } catch (error) {
    if (error instanceof TrainyardError && error.code === "forbidden") throw error;
    // A store that cannot be written is served all the same, for reading; so is one where something else lies in the place of the log.
    const folder = privateRuntimeFolder(absolute);
    await makePrivateFolder(folder, os.tmpdir());
    return path.join(folder, "server.log");
  }
}

/** The reason stands in the last line of the log, as the typed error that the program ended with. */
async function startFailure(logFile: string, ended: number | string): Promise<TrainyardError> {
  const log = await readWholeText(logFile).catch(() => "");
  const last = log.trimEnd().split("\n").at(-1) ?? "";
  // Without room it cannot even say so in its log.
  if (last === "" && (await statfs(path.dirname(logFile))).bavail === 0)
    return writeError(Object.assign(new Error(), { code: "ENOSPC" }), `start a run server for ${path.dirname(logFile)}`, logFile);
  try {
    return TrainyardError.fromApi(ApiError.parse(JSON.parse(last)));
  } catch {
    return new TrainyardError("unavailable", `the run server ended at once (${ended}): ${last.slice(0, 500)}`, `Its log is ${logFile}.`);
  }
}

function wrongVersion(found: Discovery): TrainyardError {
  return new TrainyardError(
    "store_occupied",
    `the store is served by Trainyard ${found.version} (process ${found.process.pid}), which speaks another protocol`,
    "End that server (close the other window, or `trainyard` of that version), then try again.",
  );
}
