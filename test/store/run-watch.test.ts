/** How run folders that come and change are noticed: by what the system tells, and by looks at all of them as often as somebody is there. */
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import { openStore } from "../../server/store/store.ts";
import type { Audience, RunStore } from "../../server/store/types.ts";
import { Visitors } from "../../server/visitors.ts";
import { resolvedSpec, runRecord } from "./fixtures.ts";

/** Processor time of a look at a hundred thousand folders, ms. */
const SWEEP_CPU_MS = 2300;

let root: string;
/** Whose watch it is, and somebody else's hand in the same folders. */
let store: RunStore;
let others: RunStore;
let sweeps: number;

beforeEach(async () => {
  root = path.join(await mkdtemp(path.join(tmpdir(), "trainyard-watch-")), "store");
  store = await openStore(root);
  others = await openStore(root);
  sweeps = 0;
  // What this store's sweeps take says nothing of those of a large one. A sweep asks at its start, and with what it got at its end.
  vi.spyOn(process, "cpuUsage").mockImplementation((since) => {
    if (since !== undefined) sweeps++;
    return { user: since === undefined ? 0 : SWEEP_CPU_MS * 1000, system: 0 };
  });
});
afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  store.close();
  others.close();
  await rm(path.dirname(root), { recursive: true, force: true });
});

async function makeRun(project = "demo"): Promise<RunId> {
  const id = newRunId();
  await others.create(runRecord({ id, project }), { specYaml: "", resolved: resolvedSpec(id, "/x") });
  return id;
}

describe("on a disk that tells of nothing", () => {
  class Someone implements Audience {
    there = true;
    #listener = (): void => undefined;
    isThere(): boolean {
      return this.there;
    }
    onArrival(listener: () => void): () => void {
      this.#listener = listener;
      return () => undefined;
    }
    comes(): void {
      this.there = true;
      this.#listener();
    }
  }

  /** Lets that much time pass on the clock, and the files be read that are to be read then. @returns how many sweeps there were by then */
  async function pass(seconds: number, expected: number): Promise<number> {
    const begun = performance.now();
    const patience = expected > sweeps ? 10_000 : 50;
    await vi.advanceTimersByTimeAsync(seconds * 1000);
    while (performance.now() < begun + patience && (patience === 50 || sweeps < expected)) {
      await setImmediate();
      // What is due by now may have been planned a moment ago: the files take their own time.
      await vi.advanceTimersByTimeAsync(0);
    }
    return sweeps;
  }

  it("looks at all folders each minute while somebody is there, seldom while nobody is, and at once for whoever comes", async () => {
    vi.stubEnv("TRAINYARD_WATCH", "poll");
    const id = await makeRun();
    await store.scan();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const someone = new Someone();
    const seen: string[] = [];
    const watcher = store.watch((run) => seen.push(run.id), someone);
    const edit = (notes: string): Promise<unknown> => others.update(id, (record) => ({ ...record, notes }));

    expect(await pass(2, 1)).toBe(1);
    await edit("while somebody is there");
    expect(await pass(58, 1)).toBe(1);
    expect(await pass(2, 2)).toBe(2);
    expect(seen).toEqual([id]);

    someone.there = false;
    await edit("while nobody is there");
    expect(await pass(1000, 2)).toBe(2);
    someone.comes();
    expect(await pass(0, 3)).toBe(3);
    expect(seen).toEqual([id, id]);
    // Who comes and goes gets no more of them than who stays.
    someone.there = false;
    someone.comes();
    expect(await pass(30, 3)).toBe(3);
    expect(await pass(30, 4)).toBe(4);

    // A fifth of a per cent of a core: 2.3 s each 1150.
    someone.there = false;
    await edit("for whoever comes next");
    expect(await pass(1140, 4)).toBe(4);
    expect(await pass(20, 5)).toBe(5);
    expect(seen).toEqual([id, id, id]);
    watcher.close();
  });
});

describe("on a disk that tells of changes", () => {
  it("looks at the folder that is new, not at all of them, and again until it is a run", async () => {
    await makeRun();
    await store.scan();
    const seen: string[] = [];
    const watcher = store.watch(({ id }) => seen.push(id));
    await vi.waitUntil(() => sweeps === 1, 10_000);
    const known = await makeRun();
    await vi.waitUntil(() => seen.includes(known), 10_000);
    const slow = newRunId();
    const dir = path.join(root, "demo", "runs", slow);
    await mkdir(dir);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await writeFile(path.join(dir, "run.json"), JSON.stringify(runRecord({ id: slow, project: "demo" })));
    await vi.waitUntil(() => seen.includes(slow), 10_000);
    // The store's own documents are replaced all the time.
    await writeFile(path.join(root, "queue.json"), "{}");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([seen, sweeps]).toEqual([[known, slow], 1]);
    // It is removed by hand.
    await rm(dir, { recursive: true });
    await vi.waitUntil(() => seen.length === 3, 10_000);
    expect(seen[2]).toBe(slow);
    await vi.waitUntil(() => sweeps === 2, 10_000);
    // A project is new, and later gets its runs.
    await mkdir(path.join(root, "later"));
    await vi.waitUntil(() => sweeps === 3, 10_000);
    const first = await makeRun("later");
    await vi.waitUntil(() => seen.includes(first), 10_000);
    watcher.close();
  });

  it.each(["", "poll"])("tells once of a run that was removed or moved, and of none where the store itself is away (%s)", async (how) => {
    vi.stubEnv("TRAINYARD_WATCH", how);
    vi.spyOn(process, "cpuUsage").mockReturnValue({ user: 0, system: 0 });
    const [removed, moved, stays] = [await makeRun(), await makeRun(), await makeRun()];
    await mkdir(path.join(root, "other", "runs"), { recursive: true });
    await store.scan();
    const seen: string[] = [];
    // As the server does: who is told looks whether it is there.
    const watcher = store.watch(({ project, id }) => {
      seen.push(`${project} ${id}`);
      void store.read(id).catch(() => undefined);
    });
    await rename(path.join(root, "demo", "runs", moved), path.join(root, "other", "runs", moved));
    await rm(path.join(root, "demo", "runs", removed), { recursive: true });
    await vi.waitUntil(() => seen.length >= 3, 10_000);
    expect(seen.toSorted()).toEqual([`demo ${moved}`, `demo ${removed}`, `other ${moved}`].toSorted());
    await rename(root, `${root}-away`);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await rename(`${root}-away`, root);
    expect(seen).toHaveLength(3);
    expect((await store.read(stays)).record.project).toBe("demo");
    watcher.close();
  });
});

describe("visitors", () => {
  it("are there while a stream is open and for a minute after a request; one is told of who comes after that, once", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    let streams = 0;
    const visitors = new Visitors(() => streams);
    const arrived = vi.fn();
    const off = visitors.onArrival(arrived);
    const after = (seconds: number): boolean => {
      vi.setSystemTime(Date.now() + seconds * 1000);
      return visitors.isThere();
    };
    expect([after(59), after(2)]).toEqual([true, false]);
    visitors.came();
    visitors.came();
    expect([after(59), arrived.mock.calls.length]).toEqual([true, 1]);
    streams = 1;
    expect(after(1000)).toBe(true);
    visitors.came();
    expect(arrived).toHaveBeenCalledTimes(1);
    streams = 0;
    expect(after(61)).toBe(false);
    off();
    visitors.came();
    expect(arrived).toHaveBeenCalledTimes(1);
  });
});
