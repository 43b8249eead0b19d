/** Whose process is it? A pid that belongs to somebody else by now is never taken for the training, and never signalled. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunId } from "../../protocol/ids.ts";
import type { AttemptRecord, ProcessRecord } from "../../protocol/run.ts";
import { identify, isAlive } from "../../server/launch/platform.ts";
import { findLeader, hasSupervisor } from "../../server/launch/search.ts";
import { buildPackage, until, type PackageFixture } from "../launch/package-fixture.ts";
import { ended, newWorkspace, openRoom, shell, type Room } from "../runs/room-fixture.ts";
import { killTrainingsOf } from "../support/processes.ts";

let fixture: PackageFixture;
let workspace: { dir: string; remove(): Promise<void> };
let room: Room;
const bystanders: ChildProcess[] = [];

beforeAll(async () => {
  fixture = await buildPackage();
});
afterAll(() => fixture.remove());
beforeEach(async () => {
  workspace = await newWorkspace();
  room = await openRoom(workspace.dir, fixture.root);
});
afterEach(async () => {
  for (const bystander of bystanders.splice(0)) bystander.kill("SIGKILL");
  await room.close();
  await killTrainingsOf(path.join(workspace.dir, ".trainyard"));
  await workspace.remove();
});

/** Somebody else's process, leading a session of its own as a training does. */
function bystander(): number {
  const child = spawn("sleep", ["120"], { detached: true, stdio: "ignore" });
  bystanders.push(child);
  return child.pid!;
}

const attemptDir = (id: RunId): string => room.store.paths(id).attempt(1).dir;

async function processOf(id: RunId): Promise<ProcessRecord> {
  const file = path.join(attemptDir(id), "process.json");
  await until("process.json", () => existsSync(file));
  return JSON.parse(await readFile(file, "utf8")) as ProcessRecord;
}

/** The process whose pid stands in the file; null until it does. */
async function processIn(file: string): Promise<ProcessRecord["process"] | null> {
  const pid = Number(await readFile(file, "utf8").catch(() => "0"));
  return pid > 0 ? identify(pid) : null;
}

/** A run whose server, supervisor and training are gone, with process.json rewritten. */
async function abandonedRun(rewrite: (record: ProcessRecord) => ProcessRecord): Promise<RunId> {
  const { id } = await room.runs.create({ spec: shell("echo up; sleep 60"), start: true });
  const record = await processOf(id);
  await until("running", () => room.runs.summary(id)?.state === "running");
  await room.close();
  process.kill(record.supervisor!.pid, "SIGKILL");
  process.kill(-record.process.pid, "SIGKILL");
  await until("its end", () => !isAlive(record.process));
  await writeFile(path.join(attemptDir(id), "process.json"), JSON.stringify(rewrite(record)));
  room = await openRoom(workspace.dir, fixture.root);
  return id;
}

describe("a pid that belongs to another process now", () => {
  it("is not adopted and not killed, and the run ends as interrupted", async () => {
    const pid = bystander();
    const start = identify(pid)!.start_time;
    const other = (identity: ProcessRecord["process"]): ProcessRecord["process"] => ({
      ...identity,
      pid,
      start_time: `${Number(start) - 1}`,
    });
    const id = await abandonedRun((record) => ({ ...record, process: other(record.process), supervisor: other(record.supervisor!) }));
    const run = await ended(room, id);
    expect(run).toMatchObject({ state: "interrupted", failure: null });
    expect(run.state_reason).toContain("nobody saw how it ended");
    expect(identify(pid)?.start_time).toBe(start);
  });
});

describe("a machine that was started again", () => {
  it("is noticed by the boot id: whoever has the pids now is left alone", async () => {
    const pid = bystander();
    const identity = { ...identify(pid)!, boot_id: "00000000-0000-0000-0000-000000000000" };
    const id = await abandonedRun((record) => ({ ...record, process: identity, supervisor: identity }));
    const run = await ended(room, id);
    expect(run.state).toBe("interrupted");
    expect(run.state_reason).toBe("The machine was started again while it ran.");
    expect(isAlive(identify(pid)!)).toBe(true);
  });
});

describe("a run whose supervisor or server was killed while it started it", () => {
  const marks = (id: RunId): string[] => [`TRAINYARD_RUN_ID=${id}`, "TRAINYARD_ATTEMPT=1"];

  it("goes on as any other, whether process.json was written yet or not", async () => {
    const { id } = await room.runs.create({ spec: shell("kill -9 $PPID; sleep 60 & sleep 60"), start: true });
    await until("running", () => room.runs.summary(id)?.state === "running");
    expect(room.runs.liveProcesses().get(id)?.pid).toBe(findLeader(marks(id))?.pid);
    await room.runs.cancel(id, { force: false, reason: "enough", grace_seconds: 0 });
    const run = await ended(room, id);
    expect(run.state).toBe("cancelled");
    expect(findLeader(marks(id))).toBeNull();
  });

  /** A draft that a server was about to start when it was killed; its supervisor, if any, is started by the test. */
  async function startingRun(command: string): Promise<RunId> {
    const { id } = await room.runs.create({ spec: shell(command), start: false });
    await room.store.writeAttempt(id, {
      version: 1,
      number: 1,
      kind: "start",
      resumed_from: null,
      launcher: "local",
      command: ["sh", "-c", command],
      cwd: workspace.dir,
      env: { TRAINYARD_RUN_ID: id, TRAINYARD_ATTEMPT: "1", TRAINYARD_STORE: room.store.root },
      python: null,
      grace_seconds: 1,
      created_at: new Date().toISOString(),
    });
    await room.store.update(id, (record) => ({ ...record, state: "starting", attempt: 1 }));
    await room.close();
    return id;
  }

  it("is found by a server that comes later, which sees it to its end", async () => {
    const id = await startingRun('kill -9 $PPID; sleep 0.3; rm -f "$0"; echo up; sleep 4; echo done');
    const dir = attemptDir(id);
    const order = JSON.parse(await readFile(path.join(dir, "attempt.json"), "utf8")) as AttemptRecord;
    await writeFile(
      path.join(dir, "attempt.json"),
      JSON.stringify({ ...order, command: [...order.command, path.join(dir, "process.json")] }),
    );
    spawn(process.execPath, [path.join(fixture.root, "dist", "supervisor.cjs"), dir], { detached: true, stdio: "ignore" }).unref();
    await until("up", async () => (await readFile(path.join(dir, "log"), "utf8").catch(() => "")) === "up\n");
    expect(existsSync(path.join(dir, "process.json"))).toBe(false);
    expect(hasSupervisor(dir)).toBe(false);

    room = await openRoom(workspace.dir, fixture.root);
    await until("running", () => room.runs.summary(id)?.state === "running");
    const run = await ended(room, id);
    expect(run.state).toBe("interrupted");
    expect(run.state_reason).toContain("nobody saw how it ended");
    expect(await readFile(path.join(dir, "log"), "utf8")).toBe("up\ndone\n");
  });

  it("is not survived by what its training started, when nobody wrote down who led it", async () => {
    const id = await startingRun('kill -9 $PPID; sleep 60 & echo "$!" > left.pid; exit 3');
    const dir = attemptDir(id);
    spawn(process.execPath, [path.join(fixture.root, "dist", "supervisor.cjs"), dir], { detached: true, stdio: "ignore" }).unref();
    const left = await until("what it leaves behind", () => processIn(path.join(workspace.dir, "left.pid")));
    await until("its leader's end", () => !hasSupervisor(dir) && findLeader(marks(id)) === null);
    await rm(path.join(dir, "process.json"), { force: true });
    expect(isAlive(left)).toBe(true);

    room = await openRoom(workspace.dir, fixture.root);
    expect((await ended(room, id)).state).toBe("interrupted");
    await until("the end of what it left behind", () => !isAlive(left));
  });

  it("that was not started when the server died is started by the next one, once", async () => {
    const id = await startingRun("echo started");
    room = await openRoom(workspace.dir, fixture.root);
    expect(await ended(room, id)).toMatchObject({ state: "completed", attempt: 1 });
    expect(await readFile(path.join(attemptDir(id), "log"), "utf8")).toBe("started\n");
  });

  it("of which anything may have run is not started again: it is told as interrupted, within seconds", async () => {
    const id = await startingRun("echo started");
    await writeFile(path.join(attemptDir(id), "log"), "");
    const begun = Date.now();
    room = await openRoom(workspace.dir, fixture.root);
    const run = await ended(room, id);
    expect(run).toMatchObject({ state: "interrupted", state_reason: expect.stringContaining("never started") as string });
    expect(Date.now() - begun).toBeLessThan(10_000);
  });
});
