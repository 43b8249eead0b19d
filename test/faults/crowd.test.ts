/** Many at once, and clocks that jump. */
import { spawn, type ChildProcess } from "node:child_process";
import { appendFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RunId } from "../../protocol/ids.ts";
import { rowRecord } from "../../protocol/metric-records.ts";
import { until } from "../launch/package-fixture.ts";
import { newWorkspace, openRoom, type Room } from "../runs/room-fixture.ts";
import { exitRecord } from "../store/fixtures.ts";
import { liveRuns } from "./live-run.ts";

const DAY_MS = 86_400_000;

let workspace: { dir: string; remove(): Promise<void> };
let room: Room | null = null;
let training: ChildProcess;

beforeEach(async () => {
  workspace = await newWorkspace();
  training = spawn("sleep", ["120"], { detached: true, stdio: "ignore" });
});
afterEach(async () => {
  training.kill("SIGKILL");
  await room?.close();
  await workspace.remove();
});

const liveRunsHere = (count: number, startedAt: string): Promise<RunId[]> =>
  liveRuns(path.join(workspace.dir, ".trainyard"), training.pid!, count, startedAt);

describe("200 runs that end in the same second", () => {
  it("end each in its own way, with its last point", async () => {
    const ids = await liveRunsHere(200, new Date().toISOString());
    const opened = await openRoom(workspace.dir, workspace.dir);
    room = opened;
    expect(opened.runs.liveProcesses().size).toBe(200);
    await Promise.all(
      ids.map(async (id, n) => {
        const dir = opened.store.paths(id).attempt(1).dir;
        await appendFile(path.join(dir, "metrics.bin"), rowRecord(0, Date.now(), 2, [n + 0.5]));
        await writeFile(path.join(dir, "exit.json"), JSON.stringify(exitRecord({ code: n % 3, ended_at: new Date().toISOString() })));
      }),
    );
    await until("all ends", () => opened.runs.liveProcesses().size === 0, 30_000);
    await until("all states", () => [...opened.runs.briefs()].every((run) => run.state !== "running"), 30_000);
    for (const [n, id] of ids.entries()) {
      const run = opened.runs.summary(id)!;
      expect([run.name, run.state]).toEqual([`run ${n}`, n % 3 === 0 ? "completed" : "failed"]);
      expect(run.metrics["loss"]).toMatchObject({ last: n + 0.5, last_step: 2, count: 2 });
      expect((await opened.store.read(id)).record.state).toBe(run.state);
    }
  });
});

describe.each([
  ["forward", DAY_MS],
  ["back", -DAY_MS],
])("a clock that jumps %s by a day while a run lives", (_, jump) => {
  it("neither ends the run nor hides a point", async () => {
    const before = Date.now() - jump;
    const [id] = await liveRunsHere(1, new Date(before).toISOString());
    room = await openRoom(workspace.dir, workspace.dir);
    const dir = room.store.paths(id!).attempt(1).dir;
    const rows = Array.from({ length: 50 }, (_row, n) =>
      rowRecord(0, n < 25 ? before + n * 100 : Date.now() + n * 100, n + 2, [1 / (n + 2)]),
    );
    await appendFile(path.join(dir, "metrics.bin"), Buffer.concat(rows));
    await appendFile(path.join(dir, "log"), "one\ntwo\n");
    await appendFile(path.join(dir, "log.idx"), `4 ${before}\n8 ${Date.now()}\n`);
    await until("the points", () => room!.runs.summary(id!)?.metrics["loss"]?.count === 51);
    const run = room.runs.summary(id!)!;
    expect(run.state).toBe("running");
    expect(run.progress!.elapsed_seconds).toBeGreaterThanOrEqual(0);
    expect(run.progress!.eta_seconds ?? 0).toBeGreaterThanOrEqual(0);
    const page = await room.store.logPage(id!, 1, { page: 1, page_size: 10 });
    expect(page.lines.map((line) => line.text)).toEqual(["one", "two"]);
    await writeFile(path.join(dir, "exit.json"), JSON.stringify(exitRecord({ ended_at: new Date().toISOString() })));
    await until("the end", () => room!.runs.summary(id!)?.state === "completed");
    expect((await room.runs.detail(id!)).attempts[0]?.last_step).toBe(51);
  });
});
