/** A full disk under every writer: the training goes on, what is written stays whole, and all goes on once there is room again. */
import { execFileSync } from "node:child_process";
import { existsSync, statfsSync } from "node:fs";
import { mkdir, open, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import { AttemptRecord, ExitRecord, ProcessRecord, RunRecord } from "../../protocol/run.ts";
import { findLeader } from "../../server/launch/search.ts";
import { buildPackage, until, type PackageFixture } from "../launch/package-fixture.ts";
import { ended, newWorkspace, openRoom, scriptSpec, shell, type Room } from "../runs/room-fixture.ts";
import { builtCli } from "../support/machine.ts";
import { killTrainingsOf, runProgram } from "../support/processes.ts";
import { endServer } from "../support/store.ts";
import { readWrittenRows } from "./chaos/metric-bytes.ts";

/** A disk of one's own needs a mount, and a mount needs root. */
const MAY_MOUNT = process.getuid?.() === 0 && process.platform === "linux";

let fixture: PackageFixture;
/** The workspace of the scripts and their journals; the store lies on the small disk beside it. */
let workspace: { dir: string; remove(): Promise<void> };
let disk: string;
let room: Room;

beforeAll(async () => {
  fixture = await buildPackage();
});
afterAll(() => fixture.remove());
beforeEach(async ({ skip }) => {
  if (!MAY_MOUNT) skip("a small disk needs a mount of its own, which needs root on Linux: NOT TESTED here");
  workspace = await newWorkspace();
  disk = path.join(workspace.dir, "disk");
  await mkdir(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]);
  room = await openRoom(disk, fixture.root, { baseDir: workspace.dir });
});
afterEach(async () => {
  if (!MAY_MOUNT) return;
  await rm(path.join(disk, "ballast"), { force: true });
  await killTrainingsOf(path.join(disk, ".trainyard"));
  await room.close();
  execFileSync("umount", ["-l", disk]);
  await workspace.remove();
});

async function fill(): Promise<void> {
  const ballast = await open(path.join(disk, "ballast"), "w");
  try {
    for (const size of [65_536, 4096, 1]) for (;;) await ballast.writeFile(Buffer.alloc(size));
  } catch {
    // Full.
  } finally {
    await ballast.close();
  }
  expect(statfsSync(disk).bavail).toBe(0);
}

const makeRoom = (): Promise<void> => rm(path.join(disk, "ballast"));

/** Logs a point and prints a line every 10 ms until a file named "enough" lies in the workspace; counts its steps outside of the disk. */
const STEADY = [
  "import os, time, trainyard",
  "run = trainyard.init()",
  "step = 0",
  "while not os.path.exists('enough'):",
  "    step += 1",
  "    print('line', step, '.' * 300)",
  "    run.log({'square': step * step}, step=step)",
  "    with open('steps', 'w') as file: file.write(str(step))",
  "    time.sleep(0.01)",
];
const stepsDone = (): Promise<number> =>
  // The file is empty for an instant whenever it is written.
  until("a number of steps", async () => Number(await readFile(path.join(workspace.dir, "steps"), "utf8").catch(() => "")) || null);

/** Every document of the run parses, and no half-written neighbour is left. */
async function expectWhole(id: RunId): Promise<void> {
  const { dir, runJson } = room.store.paths(id);
  const attempt = path.join(dir, "attempts", "1");
  RunRecord.parse(JSON.parse(await readFile(runJson, "utf8")));
  AttemptRecord.parse(JSON.parse(await readFile(path.join(attempt, "attempt.json"), "utf8")));
  ProcessRecord.parse(JSON.parse(await readFile(path.join(attempt, "process.json"), "utf8")));
  ExitRecord.parse(JSON.parse(await readFile(path.join(attempt, "exit.json"), "utf8")));
  for (const folder of [dir, attempt]) expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
}

describe("a disk that fills up while a training runs", () => {
  it("stops neither the training nor its end; every point is there once there is room", async () => {
    const { id } = await room.runs.create({ spec: await scriptSpec(workspace.dir, "steady.py", STEADY), start: true });
    await until("some steps", async () => (await stepsDone()) > 30);
    await fill();
    const before = await stepsDone();
    await sleep(2500);
    expect(await stepsDone()).toBeGreaterThan(before + 50);
    await room.runs.edit(id, { notes: "written while there was no room" }).catch((error: unknown) => {
      expect(error).toMatchObject({ code: "disk_full" });
    });
    await makeRoom();
    const withRoom = await stepsDone();
    await until("steps after there was room", async () => (await stepsDone()) > withRoom + 100);
    await writeFile(path.join(workspace.dir, "enough"), "");
    expect(await ended(room, id)).toMatchObject({ state: "completed", damage: null });

    const steps = await stepsDone();
    const rows = (await readWrittenRows(path.join(room.store.paths(id).attempt(1).dir, "metrics.bin"))).filter(
      (row) => "square" in row.values,
    );
    expect(rows.map((row) => row.step)).toEqual(Array.from({ length: steps }, (_, index) => index + 1));
    const log = await readFile(path.join(room.store.paths(id).attempt(1).dir, "log"), "utf8");
    expect(log).toMatch(/\[trainyard: \d+ bytes of output are missing here: the disk was full\]/);
    // Errors have a stream of their own, which may say at the very end what it lost.
    const said = log.split("\n").filter((line) => line.startsWith("line "));
    expect(said.at(-1)).toBe(`line ${steps} ${".".repeat(300)}`);
    await expectWhole(id);
    await until("the note", async () => (await readFile(room.store.paths(id).runJson, "utf8")).includes("written while"), 15_000);
  });

  it("keeps the exit record waiting, not lost, when the training ends meanwhile", async () => {
    const { id } = await room.runs.create({ spec: shell("sleep 1.5; exit 7"), start: true });
    await until("running", () => room.runs.summary(id)?.state === "running");
    await fill();
    await until("the end of the process", () => findLeader([`TRAINYARD_RUN_ID=${id}`]) === null);
    await sleep(1500);
    expect(existsSync(path.join(room.store.paths(id).attempt(1).dir, "exit.json"))).toBe(false);
    await makeRoom();
    expect(await ended(room, id)).toMatchObject({ state: "failed", state_reason: "Exit code 7." });
    await until("run.json", async () => (await readFile(room.store.paths(id).runJson, "utf8")).includes('"failed"'), 15_000);
    await expectWhole(id);
  });

  it("does not take the stop away: the run can be ended all the same", async () => {
    const { id } = await room.runs.create({ spec: shell("sleep 60"), start: true });
    await until("running", () => room.runs.summary(id)?.state === "running");
    await fill();
    await room.runs.cancel(id, { force: false, reason: "the disk is full", grace_seconds: 0 });
    await until("the end of the process", () => findLeader([`TRAINYARD_RUN_ID=${id}`]) === null);
    await makeRoom();
    expect(await ended(room, id)).toMatchObject({ state: "cancelled", state_reason: "Stopped: the disk is full." });
    await until("run.json", async () => (await readFile(room.store.paths(id).runJson, "utf8")).includes('"cancelled"'), 15_000);
  });
});

describe("a disk that is full already", () => {
  it("lets no server start, which says so and starts once there is room", async () => {
    const store = path.join(disk, "another", ".trainyard");
    await mkdir(store, { recursive: true });
    await fill();
    const serve = (): ReturnType<typeof runProgram> =>
      runProgram(process.execPath, [builtCli(), "serve", "--ensure", "--store", store, "--json"], { timeoutMs: 40_000 });
    const refused = await serve();
    expect(refused.code).not.toBe(0);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { code: "disk_full", hint: expect.stringContaining("0 B of 2.0 MiB") as string },
    });
    await makeRoom();
    expect((await serve()).code).toBe(0);
    await endServer(store);
  });

  it("refuses a new run in words that say which disk and how much, and leaves nothing of it", async () => {
    await fill();
    const refused = await room.runs.create({ spec: shell("true"), start: true }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(TrainyardError);
    expect(refused).toMatchObject({ code: "disk_full" });
    expect((refused as TrainyardError).hint).toMatch(/0 B of 2\.0 MiB/);
    await makeRoom();
    const { id } = await room.runs.create({ spec: shell("true"), start: true });
    expect((await ended(room, id)).state).toBe("completed");
    expect(room.runs.size).toBe(1);
    expect(await readdir(path.join(room.store.root, "default", "runs"))).toEqual([id]);
  });
});
