/**
 * The run server from its start to its end: takes the store, listens, says where, and only then loads the rooms (server/rooms.ts), for which
 * the first requests wait. Nothing that is imported here may need the schema library: `npm run bench -- startup`. Knows nothing of VS Code.
 * Run as a program: `node server.cjs --store DIR [--port N] [--python P] [--base-dir D] [--idle-exit SECONDS] [--detached LOGFILE]`.
 */
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { PROTOCOL_VERSION } from "../protocol/constants.ts";
import type { Discovery } from "../protocol/discovery.ts";
import { TrainyardError } from "../protocol/trainyard-error.ts";
import {
  findServer,
  makePrivateFolder,
  privateRuntimeFolder,
  removeDiscovery,
  serverFolder,
  writeDiscovery,
} from "./discovery/discovery.ts";
import { takeLock, type StoreLock } from "./discovery/lock.ts";
import { loadBuiltins } from "./builtins.ts";
import { collectGarbage, holdLittleGarbage } from "./heap.ts";
import { toTrainyardError } from "./http/errors.ts";
import { listen } from "./http/listen.ts";
import { newToken } from "./http/security.ts";
import { exitWhenIdle, tidyWhenIdle } from "./idle.ts";
import { identify } from "./launch/platform.ts";
import { findPackageRoot, packageVersion } from "./package-root.ts";
import type { Rooms } from "./rooms.ts";
import { openLog, type ServerLog } from "./server-log.ts";
import { isInPlace, openRoot, type OpenedRoot } from "./store/open-root.ts";

/** A store that is missed in so many looks in a row went elsewhere; a network disk may be away for a moment. */
const MOVED_LOOKS = 3;
const MOVED_LOOK_MS = 500;

export interface ServerOptions {
  /** The store's folder; made when it is missing. */
  readonly store: string;
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** Interpreter that runs the training when a spec names none. Default: one is looked for. */
  readonly python?: string;
  /** Folder that relative paths of specs refer to. Default: the folder that holds the store. */
  readonly baseDir?: string;
  /** The server ends after so long without clients and live runs. Default: never. */
  readonly idleExitSeconds?: number;
  readonly packageRoot?: string;
  readonly log?: (text: string) => void;
}

export interface RunningServer {
  readonly url: string;
  readonly token: string;
  readonly discovery: Discovery;
  /** Settles once the store was read. Requests wait for it by themselves. */
  readonly ready: Promise<void>;
  /** Settles when the server has ended, for whatever reason. */
  readonly closed: Promise<void>;
  /** Ends the server; runs go on. */
  close(): Promise<void>;
}

/** @throws TrainyardError store_occupied | store_unwritable | not_found | conflict (port) */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const packageRoot = options.packageRoot ?? findPackageRoot();
  const log = options.log ?? ((text: string) => process.stderr.write(`${text}\n`));
  const version = packageVersion(packageRoot);
  const opened = await openRoot(options.store, true);
  const { folder, lock } = await occupy(opened);
  // The lock of a store that was moved goes with it; what lies in its place now may belong to another server.
  const atClose: (() => Promise<void> | void)[] = [
    async () => {
      if (isInPlace(opened)) await lock.release();
      else lock.abandon();
    },
  ];
  const closeAll = async (): Promise<void> => {
    for (const step of atClose.reverse()) {
      try {
        await step();
      } catch (error) {
        log(`while closing: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
    }
  };

  try {
    const ended = deferred();
    let closing: Promise<void> | null = null;
    const close = (): Promise<void> => (closing ??= closeAll().finally(ended.resolve));
    const startedAt = new Date().toISOString();
    const token = newToken();
    let loading: Promise<Rooms> | null = null;
    let rooms: Rooms | null = null;
    const loadRooms = async (): Promise<Rooms> => {
      await loadBuiltins();
      holdLittleGarbage();
      const { openRooms } = await import("./rooms.ts");
      const baseDir = path.resolve(options.baseDir ?? path.dirname(opened.root));
      // A moment later, so that the answer to the request goes out first.
      const shutdown = (): void => void setTimeout(() => void close(), 50);
      rooms = await openRooms({ opened, folder, packageRoot, python: options.python, baseDir, token, version, startedAt, shutdown, log });
      return rooms;
    };
    const load = (): Promise<Rooms> => (loading ??= loadRooms());
    atClose.push(() => rooms?.close());

    const listening = await listen({ token, edge: load, log }, options.port ?? 0);
    atClose.push(() => listening.close());
    atClose.push(() => rooms?.closeStreams());

    const self = identify(process.pid);
    if (self === null) throw new TrainyardError("internal", "this process cannot read its own start time from the system");
    const discovery: Discovery = {
      protocol: PROTOCOL_VERSION,
      url: listening.url,
      token,
      process: self,
      store: opened.root,
      version,
      started_at: startedAt,
    };
    await writeDiscovery(folder, discovery);
    atClose.push(() => removeDiscovery(folder));

    // After listening: the code and a large store take a moment to read, and nobody should think the server dead meanwhile.
    const loaded = new Promise((resolve) => setImmediate(resolve)).then(load);
    const ready = loaded.then((opened) => opened.ready);
    // Whoever ends the server in this moment has the rooms ended too.
    atClose.push(() =>
      loaded.then(
        () => undefined,
        () => undefined,
      ),
    );
    ready.catch((error: unknown) => {
      log(`the store could not be read: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    });

    atClose.push(
      endWhenMoved(opened, () => {
        log(
          `the store is no longer at ${opened.root}: it was moved, deleted or unmounted. Runs go on; a server at its new place finds them.`,
        );
        void close();
      }),
    );
    const isBusy = (): boolean => rooms?.isBusy() ?? false;
    const lastRequest = (): number => listening.lastRequest();
    if (options.idleExitSeconds !== undefined) atClose.push(exitWhenIdle(options.idleExitSeconds, isBusy, lastRequest, () => void close()));
    atClose.push(tidyWhenIdle(isBusy, lastRequest, collectGarbage));
    return { url: listening.url, token, discovery, ready, closed: ended.promise, close };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/**
 * For a process that is a server: what failed and was awaited by nobody is a fault of ours, but it ends one piece of work, not the server with
 * all that others ask of it.
 */
export function outliveRejections(log: (text: string) => void): void {
  process.on("unhandledRejection", (reason) => {
    log(`failed, and nobody waited for it: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}`);
  });
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

/** Promise.withResolvers, which Node 20 lacks. */
function deferred(): Deferred {
  let resolve: Deferred["resolve"] = () => undefined;
  const promise = new Promise<void>((onDone) => {
    resolve = onDone;
  });
  return { promise, resolve };
}

/** Makes the server's folder and takes its lock. @throws TrainyardError store_occupied, with the address of the other server */
async function occupy(store: OpenedRoot): Promise<{ folder: string; lock: StoreLock }> {
  const folder = store.readOnly ? privateRuntimeFolder(store.root) : serverFolder(store.root);
  await makePrivateFolder(folder, store.readOnly ? os.tmpdir() : store.root);
  try {
    return { folder, lock: await takeLock(folder) };
  } catch (error) {
    if (!(error instanceof TrainyardError) || error.code !== "store_occupied") throw error;
    const other = await announced(store.root);
    if (other === null) throw error;
    throw new TrainyardError(
      "store_occupied",
      `the store ${store.root} is served by process ${other.process.pid} at ${other.url} already`,
      "Use that server, or end it first.",
    );
  }
}

/** The server that holds the store; one that took the lock a moment ago has not written its address yet. */
async function announced(store: string): Promise<Discovery | null> {
  for (let tries = 0; ; tries++) {
    const found = await findServer(store);
    if (found !== null || tries === 20) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * A server of a store that went elsewhere ends, so that another one can serve it there.
 * @returns what ends the watch
 */
function endWhenMoved(opened: OpenedRoot, end: () => void): () => void {
  let missed = 0;
  const timer = setInterval(() => {
    missed = isInPlace(opened) ? 0 : missed + 1;
    if (missed === MOVED_LOOKS) end();
  }, MOVED_LOOK_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

async function program(): Promise<void> {
  let log: ServerLog = openLog(null);
  try {
    const { values } = parseArgs({
      options: {
        store: { type: "string" },
        port: { type: "string" },
        python: { type: "string" },
        "base-dir": { type: "string" },
        "idle-exit": { type: "string" },
        detached: { type: "string" },
      },
    });
    log = openLog(values.detached ?? null);
    // Nobody reads the stderr of a detached server: its last words must be in its log. The runs go on, and the next server finds them.
    process.on("uncaughtException", (error) => {
      log.write(`ended by an unexpected error: ${error.stack ?? error.message}`);
      process.exit(70);
    });
    outliveRejections(log.write);
    const { store, python } = values;
    if (store === undefined) throw new TrainyardError("bad_request", "--store is missing", "Name the folder that holds the runs.");
    const port = wholeNumber("--port", values.port);
    const idleExitSeconds = wholeNumber("--idle-exit", values["idle-exit"]);
    const server = await startServer({
      store,
      log: log.write,
      ...(port !== undefined && { port }),
      ...(idleExitSeconds !== undefined && { idleExitSeconds }),
      ...(python !== undefined && { python }),
      ...(values["base-dir"] !== undefined && { baseDir: values["base-dir"] }),
    });
    log.write(`serving ${server.discovery.store} at ${server.url} (process ${process.pid})`);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => void server.close());
    await server.closed;
    log.write("ended");
    process.exit(0);
  } catch (error) {
    // The last line, for whoever started this program to read.
    const typed =
      error instanceof TypeError && "code" in error ? new TrainyardError("bad_request", error.message) : toTrainyardError(error, log.write);
    log.raw(JSON.stringify(typed.toApi()));
    process.exit(1);
  }
}

/** @throws TrainyardError bad_request */
function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new TrainyardError("bad_request", `${option} takes a whole number, not "${text}"`);
  return Number(text);
}

// By name: this module is part of the command line's bundle as well, which must not start a server by being loaded.
if (path.basename(process.argv[1] ?? "") === "server.cjs") void program();
