/** Runs that are over leave memory and are not read again; whatever changed in their folders shows all the same. */
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../protocol/ids.ts";
import { lineOf } from "../../protocol/line-of-run.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { RunCache } from "../../server/runs/run-cache.ts";
import { CompactFiles } from "../../server/series/compact-files.ts";
import { createRunSeries } from "../../server/series/run-series.ts";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";
import { summary } from "../catalog/summaries.ts";
import { LiveServer } from "../http/live-server.ts";
import { openRoom, type Room } from "./room-fixture.ts";

let live: LiveServer;
beforeEach(async () => {
  live = await LiveServer.folder();
});
afterEach(() => live.remove());

async function addRun(name: string, loss: number): Promise<{ id: RunId; dir: string }> {
  const time = "2026-01-01T00:00:00.000Z";
  const folder = await live.addRun({ name, state: "completed", attempt: 1, started_at: time, ended_at: time });
  await mkdir(folder.paths.attempt(1).dir, { recursive: true });
  await writeFile(folder.paths.attempt(1).metrics, Buffer.concat([fileHeader(), setRecord(0, ["loss"]), rowRecord(0, 1.7e12, 1, [loss])]));
  return { id: folder.record.id, dir: folder.paths.dir };
}

/** Everything that the server says of its runs, asked until the catalogue has it as well. */
async function all(): Promise<unknown> {
  const { runs } = await live.client.call("listRuns", { query: { sort: "name" } });
  const table = await live.client.call("queryRuns", { body: { fields: ["record.name", "metrics.loss"], sort: ["record.name"] } });
  return { runs, table: table.rows.map((row) => row.values) };
}

const index = (): string => path.join(live.store, ".server", "runs.index");

describe("runs that are over", () => {
  it("are served from the cache by the next server, with everything that changed in their folders meanwhile", async () => {
    const kept = await addRun("kept", 1);
    const edited = await addRun("edited", 2);
    const grown = await addRun("grown", 3);
    const gone = await addRun("gone", 4);
    await live.start();
    const before = await all();
    await live.server.close();
    const lines = (await readFile(index(), "utf8")).split("\n");
    for (const { id } of [kept, edited, grown, gone]) expect(lines.some((line) => line.includes(id))).toBe(true);

    await live.start();
    expect(await all()).toEqual(before);
    await live.server.close();

    const record = path.join(edited.dir, "run.json");
    await writeFile(record, (await readFile(record, "utf8")).replace('"edited"', '"edited by hand"'));
    await appendFile(path.join(grown.dir, "attempts", "1", "metrics.bin"), rowRecord(0, 1.7e12, 2, [30]));
    await rm(gone.dir, { recursive: true });
    await addRun("new", 5);
    await live.start();
    const changed = await vi.waitFor(async () => {
      const now = (await all()) as { table: unknown[][] };
      expect(now.table).toEqual([
        ["edited by hand", 2],
        ["grown", 30],
        ["kept", 1],
        ["new", 5],
      ]);
      return now;
    });
    await live.server.close();

    // Without the cache it is the same.
    await rm(index());
    await rm(path.join(live.store, ".server", "catalog.sqlite"));
    await live.start();
    expect(await all()).toEqual(changed);
    await live.server.close();
  });

  it("have the stamp in the catalogue already that they have once they are cold: the next server sends it none of them again", async () => {
    const { id } = await addRun("over", 1);
    const server = path.join(live.store, ".server");
    await mkdir(server, { recursive: true });
    const open = (): Promise<Room> => openRoom(path.dirname(live.store), process.cwd(), { cache: RunCache.open(server, "boot") });
    const first = await open();
    await vi.waitFor(() => {
      expect(first.runs.summary(id)?.metrics["loss"]?.last).toBe(1);
    });
    const stamp = first.runs.state(id)?.stamp;
    await first.close();
    const next = await open();
    expect([...next.runs.stamps()]).toEqual([[id, stamp]]);
    await next.close();
  });

  it("can be looked at and changed as if they were in memory", async () => {
    const { id } = await addRun("old", 1);
    await live.start();
    await live.server.close();
    await live.start();
    const { client } = live;
    expect((await client.call("getRun", { params: { id } })).metrics["loss"]?.last).toBe(1);
    const edited = await client.call("editRun", { params: { id }, body: { tags: ["best"], notes: "seen" } });
    expect(edited).toMatchObject({ tags: ["best"], notes: "seen", state: "completed" });
    expect(edited.metrics["loss"]?.last).toBe(1);
    expect(await client.call("listRuns", { query: { search: "best" } })).toMatchObject({ total: 1 });
    await live.server.close();
    await live.start();
    expect((await live.client.call("listRuns")).runs[0]).toMatchObject({ id, tags: ["best"], notes: "seen" });
    await live.server.close();
  });
});

describe("compact files of runs that are over", () => {
  it("are read by the next server, and go with the run, wherever it was removed", async () => {
    const kept = await addRun("kept", 1);
    const gone = await addRun("gone", 2);
    const folder = path.join(live.store, ".server", "columns");
    const files = new CompactFiles(folder, { leastSourceBytes: 0 });
    for (const { id, dir } of [kept, gone]) {
      const file = path.join(dir, "attempts", "1", "metrics.bin");
      const series = createRunSeries(id, () => Promise.resolve([{ attempt: 1, file, resumedFromStep: null }]), files);
      await series.poll();
      await series.compact();
      series.close();
    }
    expect(await readdir(folder)).toHaveLength(2);
    await rm(gone.dir, { recursive: true });
    await live.start();
    await vi.waitFor(async () => {
      expect(await readdir(folder)).toEqual([`${kept.id}.1.columns`]);
    });
    const { id } = kept;
    const { series } = await live.client.call("getSeries", { params: { id }, query: { metrics: "loss", format: "json" } });
    expect(series[0]).toMatchObject({ name: "loss", steps: [1], values: [1] });
    await live.client.call("deleteRun", { params: { id } });
    expect(await readdir(folder)).toEqual([]);
    await live.server.close();
  });
});

describe("the cache", () => {
  beforeEach(() => mkdir(live.store, { recursive: true }));
  const signature = { run: "a", rest: "b" };
  const open = (boot = "boot"): RunCache => {
    const cache = RunCache.open(live.store, boot);
    if (cache === null) throw new Error("it cannot be opened");
    return cache;
  };
  const names = (cache: RunCache): string[] => {
    const kept = [...cache.runs()].map((run) => {
      const known = JSON.parse(cache.text(run)) as RunSummary;
      expect(JSON.parse(cache.line(run))).toEqual(lineOf(known));
      return known.name;
    });
    return kept.sort();
  };
  const first = summary(1, { name: "one" });

  it("remembers the newest summary of each run, and none that was forgotten", async () => {
    const cache = open();
    cache.keep(first, signature);
    cache.keep(summary(2, { name: "two ü" }), signature);
    const third = summary(3, { name: "three" });
    cache.keep(third, signature);
    cache.keep({ ...first, name: "one!" }, signature);
    cache.forget(third.id);
    expect(names(cache)).toEqual(["one!", "two ü"]);
    // A server that was killed: the system still holds all that it wrote.
    expect(names(open())).toEqual(["one!", "two ü"]);
    cache.close();
    expect(names(open("next boot"))).toEqual(["one!", "two ü"]);
    // That one was not closed, and another boot may have lost what it wrote.
    expect(names(open("third boot"))).toEqual([]);
    await rm(live.store, { recursive: true, force: true });
    expect(RunCache.open(live.store, "boot")).toBeNull();
  });

  it("keeps nothing of what does not count any more, and all of the rest", async () => {
    const cache = open();
    const notes = "x".repeat(4000);
    const runs = [summary(1, { notes }), summary(2, { notes }), summary(3, { notes })];
    for (let n = 0; n < 1000; n++)
      for (const [i, run] of runs.entries()) cache.keep({ ...run, name: `${String(i)} at ${String(n)}` }, signature);
    cache.close();
    expect((await readdir(live.store)).sort()).toEqual(["runs.data", "runs.index"]);
    expect((await readFile(path.join(live.store, "runs.data"))).length).toBeLessThan(3 * 6000);
    expect((await readFile(path.join(live.store, "runs.index"), "utf8")).trim().split("\n")).toHaveLength(5);
    const again = open();
    expect(names(again)).toEqual(["0 at 999", "1 at 999", "2 at 999"]);
    again.keep({ ...first, name: "newer" }, signature);
    again.close();
    expect(names(open("next boot"))).toEqual(["0 at 999", "1 at 999", "2 at 999", "newer"]);
  });

  it("begins anew where its files are not whole", async () => {
    for (const harm of ["", "{}\n", '["open",99,"boot"]\n', "scribble", null]) {
      const cache = open();
      cache.keep(first, signature);
      cache.close();
      const file = path.join(live.store, "runs.index");
      const good = await readFile(file, "utf8");
      await writeFile(file, harm ?? good.slice(0, -5));
      const again = open();
      expect(names(again)).toEqual([]);
      again.close();
      await writeFile(file, good);
      await writeFile(path.join(live.store, "runs.data"), "");
      const cut = open();
      expect(names(cut)).toEqual([]);
      cut.close();
    }
  });
});
