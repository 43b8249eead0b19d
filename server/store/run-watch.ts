/**
 * Notices run folders that appear, change or go without the server (the SDK makes them, people copy, move and remove them, another server edits
 * them).
 * fs.watch on the few folders that hold runs makes it quick: it says which folder is new, and that one is looked at. A slow sweep of all
 * folders makes it certain, for fs.watch is silent on NFS and some mounts, and there are too many runs to watch each.
 */
import { stat } from "node:fs/promises";
import path from "node:path";
import { RunId } from "../../protocol/ids.ts";
import { folderEvents, type FolderEvents } from "./folder-events.ts";
import { RUNS_FOLDER, STORE_FILE } from "./paths.ts";
import type { RunIndex, FoundFolder } from "./run-index.ts";
import type { Audience, RunPlace } from "./types.ts";

const SWEEP_MS = 2000;
/**
 * The sweeps of a slow store may take at most this share of the time, those of a large one this share of a core; but while somebody looks
 * they do come. Collecting the garbage of a sweep, later and on other threads, costs about as much again.
 */
const SWEEP_SHARE = 1 / 20;
const SWEEP_CPU_SHARE = 0.002;
const LONGEST_REST_MS = { watched: 60_000, alone: 1_800_000 };
/** A new folder gets its files one by one: look once they have settled. */
const SETTLE_MS = 100;
/** Each look at a folder that is no run yet waits twice as long as the one before; after this the sweep is waited for. */
const LAST_SETTLE_MS = 6400;

/** @param audience who shortens the time between two sweeps by being there; without it somebody always is */
export function watchRuns(
  root: string,
  index: RunIndex,
  onChange: (dir: { project: string; id: string }) => void,
  audience: Audience = ALWAYS_THERE,
): { close(): void } {
  const watchers = new Map<string, FolderEvents>();
  /** Last signature told of a run, beside what the index read or wrote itself. */
  const told = new Map<string, string>();
  /** Runs that were told of as gone from where they lay. */
  const lost = new Set<string>();
  /** Folders that the system told of since the last look at such, by their paths. */
  let fresh = new Map<string, RunPlace>();
  let timer: NodeJS.Timeout | null = null;
  /** When the last sweep ended, and how long it is rested from it, with somebody there and without. */
  let swept = Date.now();
  let rest = { watched: SWEEP_MS, alone: SWEEP_MS };
  /** When a sweep is wanted since something happened that the system does not name. */
  let hinted = Infinity;
  let sweeping = false;
  let closed = false;

  function dueAt(): number {
    return Math.min(hinted, swept + (audience.isThere() ? rest.watched : rest.alone));
  }

  function schedule(): void {
    if (closed || sweeping) return;
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(
      () => {
        // Whoever it was to be early for may have left.
        if (Date.now() < dueAt()) schedule();
        else void sweep();
      },
      Math.max(0, dueAt() - Date.now()),
    );
    timer.unref();
  }

  function hint(): void {
    hinted = Math.min(hinted, Date.now() + SETTLE_MS);
    schedule();
  }

  /** @returns whether it is watched now: it may not be there yet, or the system be out of watches */
  function watchFolder(folder: string, onEvent: (name: string | null) => void): boolean {
    if (closed || watchers.has(folder)) return watchers.has(folder);
    const events = folderEvents(folder, onEvent, () => watchers.delete(folder));
    if (events !== null) watchers.set(folder, events);
    return events !== null;
  }

  function unwatch(folder: string): void {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  }

  /** The store's folder, and of each project the one that holds its runs. @throws TrainyardError unavailable */
  async function watchAll(): Promise<void> {
    watchFolder(root, (name) => {
      if (name === null) hint();
      else if (!name.startsWith(".")) void noticeProject(name);
    });
    for (const project of await index.projectNames()) watchProject(project);
  }

  function watchProject(project: string): void {
    const folder = path.join(root, project);
    const runs = path.join(folder, RUNS_FOLDER);
    const watched = watchFolder(runs, (name) => {
      if (name === null) hint();
      else if (!name.startsWith(".")) noticeRun({ project, name, dir: path.join(runs, name) });
    });
    if (watched) unwatch(folder);
    else
      watchFolder(folder, (name) => {
        if (name === null || name === RUNS_FOLDER) hint();
      });
  }

  /** The store's own documents are replaced often; they are no projects. */
  async function noticeProject(name: string): Promise<void> {
    const folder = path.join(root, name);
    if (watchers.has(folder) || watchers.has(path.join(folder, RUNS_FOLDER))) return;
    const found = await stat(folder).catch(() => null);
    if (found?.isDirectory() === true) hint();
  }

  function noticeRun(place: RunPlace): void {
    if (fresh.size === 0)
      setTimeout(() => {
        const places = fresh;
        fresh = new Map();
        void lookAt([...places.values()], SETTLE_MS);
      }, SETTLE_MS).unref();
    fresh.set(place.dir, place);
  }

  /** @param waited ms before this look */
  async function lookAt(places: readonly RunPlace[], waited: number): Promise<void> {
    if (isClosed()) return;
    const found = await index.look(places);
    tell(found);
    const runs = new Set(found.map(({ dir }) => dir));
    const missing = places.filter(({ dir }) => !runs.has(dir));
    // At first: later on it may lie elsewhere, and was told of there.
    if (waited === SETTLE_MS) await tellLost(missing.filter((place) => told.has(place.name) || index.knows(place)));
    const wait = 2 * waited;
    if (missing.length > 0 && wait <= LAST_SETTLE_MS) setTimeout(() => void lookAt(missing, wait), wait).unref();
  }

  function tell(found: readonly FoundFolder[]): void {
    for (const { project, name, signature } of found) {
      lost.delete(name);
      if (index.signature(name) === signature || told.get(name) === signature || !RunId.safeParse(name).success) continue;
      told.set(name, signature);
      if (!isClosed()) onChange({ project, id: name });
    }
  }

  /** A store that was moved away, or whose disk is not there, has lost no run. Who is told reads what is left of it. */
  async function tellLost(places: readonly RunPlace[]): Promise<void> {
    const news = places.filter(({ name }) => !lost.has(name) && RunId.safeParse(name).success);
    if (news.length === 0 || (await stat(path.join(root, STORE_FILE)).catch(() => null)) === null || isClosed()) return;
    for (const { project, name } of news) {
      lost.add(name);
      told.delete(name);
      onChange({ project, id: name });
    }
    // It may lie in another project now, unchanged.
    hint();
  }

  async function sweep(): Promise<void> {
    sweeping = true;
    hinted = Infinity;
    const started = Date.now();
    const cpu = process.cpuUsage();
    try {
      await watchAll();
      const gone = new Set(told.keys());
      const look = index.newLook();
      for await (const found of index.find(look)) {
        for (const { name } of found) gone.delete(name);
        tell(found);
      }
      for (const name of gone) told.delete(name);
      await tellLost(index.missed(look));
    } catch {
      // No file could be opened: the next sweep looks again.
    } finally {
      sweeping = false;
      swept = Date.now();
      const { user, system } = process.cpuUsage(cpu);
      const byCpu = (user + system) / 1000 / SWEEP_CPU_SHARE;
      const least = Math.max(SWEEP_MS, (swept - started) / SWEEP_SHARE);
      rest = {
        watched: Math.max(least, Math.min(LONGEST_REST_MS.watched, byCpu)),
        alone: Math.max(least, Math.min(LONGEST_REST_MS.alone, byCpu)),
      };
      schedule();
    }
  }

  /** Read through a function: it may have changed while the sweep waited. */
  function isClosed(): boolean {
    return closed;
  }

  /** What there is has just been read: watched at once, looked at a while later. */
  async function begin(): Promise<void> {
    try {
      await watchAll();
    } catch {
      // No file could be opened: the sweep tries again.
    }
    schedule();
  }

  const offArrivals = audience.onArrival(schedule);
  void begin();
  return {
    close() {
      closed = true;
      offArrivals();
      if (timer !== null) clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

const ALWAYS_THERE: Audience = { isThere: () => true, onArrival: () => () => undefined };
