/**
 * The server's rooms, wired together: runs, catalogue, devices, HTTP application and WebSockets. Loaded once the port is open
 * (server/main.ts): with everything it stands on, it takes three times as long to load as the rest of the start.
 */
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import path from "node:path";
import { getRequestListener } from "@hono/node-server";
import { createCatalog } from "./catalog/catalog.ts";
import { createDevices } from "./devices/devices.ts";
import { RunSamples } from "./devices/run-samples.ts";
import type { Devices } from "./devices/types.ts";
import { createApp } from "./http/app.ts";
import { derivedDefinitions } from "./http/project-handlers.ts";
import type { Edge } from "./http/listen.ts";
import { createStreamHub } from "./http/stream/hub.ts";
import { platform } from "./launch/platform.ts";
import { isBundled } from "./package-root.ts";
import { createNotices } from "./notices/notices.ts";
import { EventJournal } from "./runs/event-journal.ts";
import { RunCache } from "./runs/run-cache.ts";
import { createRuns } from "./runs/runs.ts";
import { Sweeps } from "./runs/sweeps.ts";
import { CompactFiles } from "./series/compact-files.ts";
import { openSeries } from "./series/series.ts";
import type { Runs } from "./runs/types.ts";
import type { OpenedRoot } from "./store/open-root.ts";
import { storeAt } from "./store/store.ts";
import type { RunStore } from "./store/types.ts";
import { Stores } from "./stores/stores.ts";
import { Visitors } from "./visitors.ts";

export interface RoomsOptions {
  readonly opened: OpenedRoot;
  /** The server's private folder. */
  readonly folder: string;
  readonly packageRoot: string;
  readonly python: string | undefined;
  readonly baseDir: string;
  readonly token: string;
  readonly version: string;
  readonly startedAt: string;
  /** Ends the server after the answer has gone out. */
  readonly shutdown: () => void;
  readonly log: (text: string) => void;
}

export interface Rooms extends Edge {
  /** Settles once the store was read. Requests wait for it by themselves. */
  readonly ready: Promise<void>;
  /** Does anybody look, or anything run? */
  isBusy(): boolean;
  /** Ends the WebSockets. */
  closeStreams(): void;
  /** Ends everything else; runs go on. */
  close(): Promise<void>;
}

/** Makes the rooms and begins to read the store. */
export async function openRooms(options: RoomsOptions): Promise<Rooms> {
  const { folder, packageRoot, log, version } = options;
  const store = storeAt(options.opened);
  const catalog = createCatalog({
    snapshot: store.readOnly ? null : path.join(folder, "catalog.sqlite"),
    workerFile: isBundled() ? path.join(packageRoot, "dist", "catalog-worker.cjs") : null,
    wasmFolder: path.join(packageRoot, isBundled() ? "dist" : "node_modules/sql.js/dist"),
    runs: { stamps: () => stores.runs.stamps(), state: (id) => stores.runs.state(id) },
  });
  const visitors = new Visitors(() => hub.clients);
  // On a processor of its own: of a large store, what it loads and what the runs room does takes a second each. Nothing large is read here
  // before its thread has begun: the heap of this one would grow meanwhile (heap.ts).
  await catalog.open();
  /** @param cacheFolder where runs that are over are remembered; null where nothing can be written */
  const runsOf = (of: RunStore, baseDir: string, cacheFolder: string | null): Runs => {
    const compact = cacheFolder === null ? null : new CompactFiles(path.join(cacheFolder, "columns"));
    return createRuns({
      store: of,
      packageRoot,
      defaultPython: options.python,
      baseDir,
      openMetrics: (run) => openSeries(of, run, "metrics", compact),
      openSystem: (run) => openSeries(of, run, "system"),
      gpuNames: () => devices.gpuNames(),
      gpus: { latest: () => devices.latest(), onSample: (listener) => devices.onSample(listener) },
      spillFolder: folder,
      compact,
      cache: cacheFolder === null ? null : RunCache.open(cacheFolder, platform.bootId()),
      journal: of.readOnly ? null : EventJournal.open(folder),
      paced: () => catalog.sync().catch(noteCatalog),
      audience: visitors,
      log,
    });
  };
  const noteCatalog = (error: unknown): void => {
    log(`the catalogue could not be filled: ${String(error)}`);
  };
  const runs = runsOf(store, options.baseDir, store.readOnly ? null : folder);
  const stores = new Stores({
    store,
    runs,
    openRuns: (other) => runsOf(other, path.dirname(other.root), store.readOnly ? null : cacheFolderOf(other, folder)),
    indexed: (id) => {
      catalog.changed(id);
    },
    log,
  });
  const devices: Devices = createDevices({
    storeRoot: store.root,
    liveProcesses: () => runs.liveProcesses(),
    runSamples: store.readOnly ? null : new RunSamples(store, log),
    log,
  });
  const sweeps = new Sweeps({ store, runs, log });
  const notices = createNotices({ store, runs, sweeps, devices, folder, version, log });
  stores.runs.onChange((change) => {
    if (change.type === "summary") catalog.changed(change.run.id);
    else if (change.type === "removed") catalog.changed(change.id);
  });
  const offRuns = runs.onChange((change) => {
    if (change.type === "usage") devices.noteUsage(change.id, change.usage);
  });
  const ready = runs.start().then(async () => {
    await sweeps.start();
    await stores.start();
    const fill = async (): Promise<void> => {
      await catalog.sync();
      await catalog.define(derivedDefinitions(await store.projects()));
    };
    fill().catch(noteCatalog);
  });
  const sources = { runs: stores.runs, devices, notices };
  const hub = createStreamHub({ sources: { ...sources, storeOf: stores.storeOf }, ready, log, version });
  const { token, startedAt, shutdown } = options;
  const closeStore = (): Promise<void> => {
    store.close();
    return Promise.resolve();
  };
  const webRoot = path.join(packageRoot, "dist", "webviews");
  const answer = getRequestListener(
    createApp({ ...sources, store, stores, sweeps, catalog, token, version, startedAt, webRoot, ready, shutdown, log }).fetch,
  );
  return {
    ready,
    answer: async (request: IncomingMessage, response: ServerResponse) => {
      visitors.came();
      await answer(request, response);
    },
    upgrade: (request, socket, head) => {
      visitors.came();
      hub.upgrade(request, socket, head);
    },
    isBusy: () => hub.clients > 0 || sweeps.isBusy() || runs.queue.isBusy || runs.liveCount() > 0,
    closeStreams: () => {
      hub.close();
    },
    async close() {
      offRuns();
      for (const end of [
        () => notices.close(),
        () => sweeps.close(),
        () => devices.close(),
        () => catalog.close(),
        () => stores.close(),
        () => runs.close(),
        closeStore,
      ]) {
        try {
          await end();
        } catch (error) {
          log(`while closing: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        }
      }
    },
  };
}

/** Where the server keeps what it knows of another store: nothing is written to that one. */
function cacheFolderOf(other: RunStore, folder: string): string {
  const place = path.join(folder, "stores", createHash("sha256").update(other.root).digest("hex").slice(0, 24));
  mkdirSync(place, { recursive: true, mode: 0o700 });
  return place;
}
