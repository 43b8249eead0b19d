/** A store with a runs room over it, as the server wires them, on real folders and real processes. */
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { RunSpec, type RunSpecInput } from "../../protocol/spec.ts";
import { FINAL_STATES, LIVE_STATES } from "../../protocol/state-kinds.ts";
import { createRuns } from "../../server/runs/runs.ts";
import type { Runs, RunsChange, RunsOptions } from "../../server/runs/types.ts";
import { openSeries } from "../../server/series/series.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunStore } from "../../server/store/types.ts";
import { buildPackage, until, type PackageFixture } from "../launch/package-fixture.ts";

export interface Room {
  readonly runs: Runs;
  readonly store: RunStore;
  readonly changes: RunsChange[];
  close(): Promise<void>;
}

/** Stands in for a server: another one over the same folder is what a restarted server sees. */
export async function openRoom(workspace: string, packageRoot: string, options: Partial<RunsOptions> = {}): Promise<Room> {
  const store = await openStore(path.join(workspace, ".trainyard"));
  const notes: string[] = [];
  const runs = createRuns({
    store,
    packageRoot,
    openMetrics: (run) => openSeries(store, run, "metrics"),
    openSystem: (run) => openSeries(store, run, "system"),
    log: (text) => notes.push(text),
    ...options,
  });
  const changes: RunsChange[] = [];
  runs.onChange((change) => changes.push(change));
  await runs.start();
  return {
    runs,
    store,
    changes,
    close: async () => {
      await runs.close();
      store.close();
    },
  };
}

export async function newWorkspace(): Promise<{ dir: string; remove(): Promise<void> }> {
  const dir = await realpath(await mkdtemp(path.join(os.tmpdir(), "trainyard-runs-")));
  return { dir, remove: () => rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
}

export function spec(input: RunSpecInput): RunSpec {
  return RunSpec.parse(input);
}

/** A run of the recipe `script` over the given Python lines. */
export async function scriptSpec(workspace: string, name: string, lines: string[], more: Partial<RunSpecInput> = {}): Promise<RunSpec> {
  await writeFile(path.join(workspace, name), `${lines.join("\n")}\n`);
  return spec({ recipe: "script", params: { script: name }, track: false, ...more });
}

export function shell(command: string, more: Partial<RunSpecInput> = {}): RunSpec {
  return spec({ recipe: "command", params: { command: ["sh", "-c", command] }, track: false, ...more });
}

/** Waits until the run has ended. */
export async function ended(room: Room, id: RunId, ms = 20_000): Promise<RunDetail> {
  await until(`the end of ${id}`, () => FINAL_STATES.has(room.runs.summary(id)!.state), ms);
  return room.runs.detail(id);
}

/** Ends what still lives in a room, and then the room. */
export async function closeRoom(room: Room): Promise<void> {
  // Places that become free are not taken again.
  await room.runs.queue.change({ paused: true }).catch(() => undefined);
  for (const run of room.runs.briefs()) {
    if (!LIVE_STATES.has(run.state)) continue;
    await room.runs.cancel(run.id, { force: true, reason: "the test is over", grace_seconds: 0 }).catch(() => undefined);
    await ended(room, run.id).catch(() => undefined);
  }
  await room.close();
}

/** What a test works with. */
export interface RoomOfTest {
  /** The workspace. */
  readonly dir: string;
  readonly room: Room;
  /** Another room over the same workspace, once the one before is closed: what a restarted server sees. */
  open(options?: Partial<RunsOptions>): Promise<void>;
}

/** For each test of the file that calls it: a workspace of its own with a room over it. The package is built once. */
export function roomForEachTest(): RoomOfTest {
  let fixture: PackageFixture;
  let workspace: Awaited<ReturnType<typeof newWorkspace>>;
  let room: Room;
  const here: RoomOfTest = {
    get dir() {
      return workspace.dir;
    },
    get room() {
      return room;
    },
    async open(options) {
      room = await openRoom(workspace.dir, fixture.root, options);
    },
  };
  beforeAll(async () => {
    fixture = await buildPackage();
  });
  afterAll(() => fixture.remove());
  beforeEach(async () => {
    workspace = await newWorkspace();
    await here.open();
  });
  afterEach(async () => {
    await closeRoom(room);
    await workspace.remove();
  });
  return here;
}

/** The error with which something was refused. */
export async function refusal(act: Promise<unknown>): Promise<TrainyardError> {
  const error = await act.then(
    () => null,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(TrainyardError);
  return error as TrainyardError;
}
