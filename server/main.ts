/**
 * The run server's table of contents: it opens the store, wires the rooms together and listens. Knows nothing of VS Code.
 * Run as a program: `node server.cjs --store DIR [--port N] [--python P] [--base-dir D] [--idle-exit SECONDS] [--detached LOGFILE]`.
 */
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { PROTOCOL_VERSION, type Discovery } from "../protocol/discovery.ts";
import { TrainyardError } from "../protocol/errors.ts";
import { LIVE_STATES } from "../protocol/states.ts";
import { createCatalog } from "./catalog/catalog.ts";
import { createDevices } from "./devices/devices.ts";
import type { Devices } from "./devices/types.ts";
import { RunSamples } from "./devices/run-samples.ts";
import {
  findServer,
  makePrivateFolder,
  privateRuntimeFolder,
  removeDiscovery,
  serverFolder,
  writeDiscovery,
} from "./discovery/discovery.ts";
import { takeLock, type StoreLock } from "./discovery/lock.ts";
import { toTrainyardError } from "./http/errors.ts";
import { listen } from "./http/listen.ts";
import { derivedDefinitions } from "./http/project-handlers.ts";
import { newToken } from "./http/security.ts";
import { createStreamHub } from "./http/stream/hub.ts";
import { identify } from "./launch/platform.ts";
import { findPackageRoot, isBundled, packageVersion } from "./package-root.ts";
import { createRuns } from "./runs/runs.ts";
import { openLog, type ServerLog } from "./server-log.ts";
import { openSeries } from "./series/series.ts";
import { openStore } from "./store/store.ts";
import type { RunStore } from "./store/types.ts";

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
  const store = await openStore(options.store);
  const { folder, lock } = await occupy(store);
  const atClose: (() => Promise<void> | void)[] = [
    () => lock.release(),
    () => {
      store.close();
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
    const runs = createRuns({
      store,
      packageRoot,
      defaultPython: options.python,
      baseDir: path.resolve(options.baseDir ?? path.dirname(store.root)),
      openMetrics: (run) => openSeries(store, run, "metrics"),
      openSystem: (run) => openSeries(store, run, "system"),
      gpuNames: () => devices.gpuNames(),
      log,
    });
    atClose.push(() => runs.close());

    const catalog = createCatalog({
      snapshot: store.readOnly ? null : path.join(folder, "catalog.sqlite"),
      workerFile: isBundled() ? path.join(packageRoot, "dist", "catalog-worker.cjs") : null,
      wasmFolder: path.join(packageRoot, isBundled() ? "dist" : "node_modules/sql.js/dist"),
      runs: () => runs.summaries(),
    });
    atClose.push(() => catalog.close());

    const devices: Devices = createDevices({
      storeRoot: store.root,
      liveProcesses: () => runs.liveProcesses(),
      runSamples: store.readOnly ? null : new RunSamples(store, log),
      log,
    });
    atClose.push(() => devices.close());

    const reading = deferred();
    const ended = deferred();
    let closing: Promise<void> | null = null;
    const close = (): Promise<void> => (closing ??= closeAll().finally(ended.resolve));
    const startedAt = new Date().toISOString();
    const token = newToken();
    const sources = { store, runs, devices };
    const hub = createStreamHub({ sources, ready: reading.promise, log, version });
    const listening = await listen(
      {
        ...sources,
        catalog,
        token,
        version,
        startedAt,
        webRoot: path.join(packageRoot, "dist", "webviews"),
        ready: reading.promise,
        // A moment later, so that the answer to the request goes out first.
        shutdown: () => setTimeout(() => void close(), 50),
        log,
      },
      hub,
      options.port ?? 0,
    );
    atClose.push(() => listening.close());
    atClose.push(() => {
      hub.close();
    });

    const self = identify(process.pid);
    if (self === null) throw new TrainyardError("internal", "this process cannot read its own start time from the system");
    const discovery: Discovery = {
      protocol: PROTOCOL_VERSION,
      url: listening.url,
      token,
      process: self,
      store: store.root,
      version,
      started_at: startedAt,
    };
    await writeDiscovery(folder, discovery);
    atClose.push(() => removeDiscovery(folder));

    atClose.push(
      runs.onChange((change) => {
        if (change.type === "summary") catalog.upsert(change.run);
        else if (change.type === "removed") catalog.remove(change.id);
        else if (change.type === "usage") devices.noteUsage(change.id, change.usage);
      }),
    );
    // After listening: a large store takes a moment to read, and nobody should think the server dead meanwhile.
    runs
      .start()
      .then(() => {
        const fill = async (): Promise<void> => {
          await catalog.sync();
          await catalog.define(derivedDefinitions(await store.projects()));
        };
        fill().catch((error: unknown) => {
          log(`the catalogue could not be filled: ${String(error)}`);
        });
        reading.resolve();
      })
      .catch(reading.reject);
    reading.promise.catch((error: unknown) => {
      log(`the store could not be read: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    });

    if (options.idleExitSeconds !== undefined) {
      const isBusy = (): boolean => hub.clients > 0 || runs.summaries().some((run) => LIVE_STATES.has(run.state) || run.state === "queued");
      atClose.push(
        exitWhenIdle(
          options.idleExitSeconds,
          isBusy,
          () => listening.lastRequest(),
          () => void close(),
        ),
      );
    }
    return { url: listening.url, token, discovery, ready: reading.promise, closed: ended.promise, close };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Promise.withResolvers, which Node 20 lacks. */
function deferred(): Deferred {
  let resolve: Deferred["resolve"] = () => undefined;
  let reject: Deferred["reject"] = () => undefined;
  const promise = new Promise<void>((onDone, onFailure) => {
    resolve = onDone;
    reject = onFailure;
  });
  return { promise, resolve, reject };
}

/** Makes the server's folder and takes its lock. @throws TrainyardError store_occupied, with the address of the other server */
async function occupy(store: RunStore): Promise<{ folder: string; lock: StoreLock }> {
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

/** @returns what ends the watch */
function exitWhenIdle(seconds: number, isBusy: () => boolean, lastRequest: () => number, exit: () => void): () => void {
  let lastBusy = Date.now();
  const timer = setInterval(
    () => {
      if (isBusy()) lastBusy = Date.now();
      if (Date.now() - Math.max(lastBusy, lastRequest()) >= seconds * 1000) exit();
    },
    Math.max(100, Math.min(5_000, seconds * 250)),
  );
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
