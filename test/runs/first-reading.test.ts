/** A store that no server has read yet: however many runs lie in it, few of them are in memory at a time, and what was read is never read again. */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { writeFinishedRun } from "../../bench/lib/finished-run.ts";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import { RunCache } from "../../server/runs/run-cache.ts";

import { openRoom, type Room } from "./room-fixture.ts";

const RUNS = 520;
/** A batch of the scan, or one between two waits, and those that are read at the same time. */
const MOST_AT_ONCE = 300;

const PATIENCE = { timeout: 30_000 };

let folder: string;
let ids: RunId[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "trainyard-first-"));
  ids = Array.from({ length: RUNS }, () => newRunId());
  const store = path.join(folder, ".trainyard");
  for (const [n, id] of ids.entries())
    writeFinishedRun(store, id, n, { rows: 2, metrics: ["loss"], valuesOf: (row) => [n + row], params: { n } });
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

/** Held by whoever is told, until `letGo`. */
class Listener {
  calls = 0;
  most = 0;
  #waiting: (() => void)[] = [];
  #held = true;
  room: Room | null = null;

  readonly paced = (): Promise<void> => {
    this.calls++;
    this.most = Math.max(this.most, this.room === null ? 0 : inMemory(this.room));
    return this.#held ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  };

  letGo(): void {
    this.#held = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

async function open(listener: Listener): Promise<Room> {
  const cache = RunCache.open(folder, "boot");
  const room = await openRoom(folder, process.cwd(), { cache, paced: listener.paced });
  listener.room = room;
  return room;
}

/** Runs that have no stamp are those that do not lie in the cache. */
function inMemory(room: Room): number {
  return [...room.runs.stamps()].filter(([, stamp]) => stamp === "").length;
}

function readRuns(room: Room): Set<RunId> {
  return new Set(room.changes.flatMap((change) => (change.type === "summary" && "loss" in change.run.metrics ? change.run.id : [])));
}

it("holds a batch at a time, waits for those who listen, and begins where a killed one was", async () => {
  const first = new Listener();
  const killed = await open(first);
  // All are there at once, by what their run.json says.
  expect(killed.runs.size).toBe(RUNS);
  await vi.waitFor(() => {
    expect(readRuns(killed).size).toBeGreaterThanOrEqual(250);
  }, PATIENCE);
  // Nobody has taken them: no more are read, and none of them stays.
  await vi.waitFor(() => {
    expect(inMemory(killed)).toBe(0);
  }, PATIENCE);
  const before = readRuns(killed);
  expect(before.size).toBeLessThanOrEqual(MOST_AT_ONCE);
  // The newest come first.
  expect([...before].sort()).toEqual([...ids].sort().slice(-before.size));

  // Another server finds what this one, which is never closed, has left.
  const second = new Listener();
  second.letGo();
  const next = await open(second);
  await vi.waitFor(() => {
    expect(readRuns(next).size).toBe(RUNS - before.size);
  }, PATIENCE);
  for (const id of before) expect(readRuns(next).has(id)).toBe(false);
  expect(second.most).toBeLessThanOrEqual(MOST_AT_ONCE);
  for (const [n, id] of ids.entries()) expect(next.runs.summary(id)).toMatchObject({ params: { n }, metrics: { loss: { last: n + 1 } } });
  await next.close();
  first.letGo();
  await killed.close();
});

it("reads a run that somebody asks for before its turn", async () => {
  const listener = new Listener();
  const room = await open(listener);
  const oldest = [...ids].sort()[0]!;
  expect(room.runs.summary(oldest)?.metrics).toEqual({});
  expect((await room.runs.detail(oldest)).metrics["loss"]?.count).toBe(2);
  listener.letGo();
  await vi.waitFor(() => {
    expect(room.runs.summary(oldest)?.metrics["loss"]?.count).toBe(2);
    expect(readRuns(room).size).toBe(RUNS);
  }, PATIENCE);
  await room.close();
});
