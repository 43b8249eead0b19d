/**
 * Notices run folders that appear or change without the server (the SDK makes them, people copy them in, another server edits them).
 * fs.watch on the few folders that hold runs makes it quick; a slow sweep makes it certain, for fs.watch is silent on NFS and some mounts
 * and there are too many runs to watch each.
 */
import path from "node:path";
import { RunId } from "../../protocol/ids.ts";
import { folderEvents, type FolderEvents } from "./folder-events.ts";
import { RUNS_FOLDER } from "./paths.ts";
import type { RunIndex } from "./run-index.ts";

const SWEEP_MS = 2000;
/**
 * The sweeps of a slow store may take at most this share of the time, those of a large one this share of a core; but they do come. Collecting
 * the garbage of a sweep, later and on other threads, costs about as much again.
 */
const SWEEP_SHARE = 1 / 20;
const SWEEP_CPU_SHARE = 0.002;
const LONGEST_SWEEP_MS = 60_000;
/** A new folder gets its files one by one: look once they have settled. */
const SETTLE_MS = 100;

export function watchRuns(root: string, index: RunIndex, onChange: (dir: { project: string; id: string }) => void): { close(): void } {
  const watchers = new Map<string, FolderEvents>();
  /** Last signature told of a run, beside what the index read or wrote itself. */
  const told = new Map<string, string>();
  let timer: NodeJS.Timeout | null = null;
  let due = Infinity;
  let sweeping = false;
  let closed = false;

  function schedule(ms: number): void {
    const at = Date.now() + ms;
    if (closed || sweeping || at >= due) return;
    if (timer !== null) clearTimeout(timer);
    due = at;
    timer = setTimeout(() => void sweep(), ms);
    timer.unref();
  }

  function watchFolder(folder: string): void {
    if (closed || watchers.has(folder)) return;
    const events = folderEvents(
      folder,
      () => {
        schedule(SETTLE_MS);
      },
      () => watchers.delete(folder),
    );
    // No watch here (not there yet, or out of watches): the sweep sees it.
    if (events !== null) watchers.set(folder, events);
  }

  /** The store's folder, and of each project the one that holds its runs. @throws TrainyardError unavailable */
  async function watchAll(): Promise<void> {
    watchFolder(root);
    for (const project of await index.projectNames()) watchFolder(path.join(root, project, RUNS_FOLDER));
  }

  async function sweep(): Promise<void> {
    sweeping = true;
    const started = Date.now();
    const cpu = process.cpuUsage();
    try {
      await watchAll();
      const gone = new Set(told.keys());
      for await (const found of index.find())
        for (const { project, name, signature } of found) {
          gone.delete(name);
          if (index.signature(name) === signature || told.get(name) === signature || !RunId.safeParse(name).success) continue;
          told.set(name, signature);
          if (!isClosed()) onChange({ project, id: name });
        }
      for (const name of gone) told.delete(name);
    } catch {
      // No file could be opened: the next sweep looks again.
    } finally {
      sweeping = false;
      due = Infinity;
      const { user, system } = process.cpuUsage(cpu);
      const byCpu = Math.min(LONGEST_SWEEP_MS, (user + system) / 1000 / SWEEP_CPU_SHARE);
      schedule(Math.max(SWEEP_MS, (Date.now() - started) / SWEEP_SHARE, byCpu));
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
    schedule(SWEEP_MS);
  }

  void begin();
  return {
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}
