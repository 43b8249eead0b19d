import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import { SeriesPool } from "../../server/runs/series-pool.ts";
import { CompactFiles } from "../../server/series/compact-files.ts";
import { createRunSeries } from "../../server/series/run-series.ts";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";

const ROWS = 10_000;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "ty-pool-"));
  const rows = Array.from({ length: ROWS }, (_, n) => rowRecord(0, 1.7e12 + n, n, [n % 7, -n]));
  await writeFile(path.join(folder, "metrics.bin"), Buffer.concat([fileHeader(), setRecord(0, ["loss", "lr"]), ...rows]));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

it("lets go of the runs that were given back longest ago, once they take too much room, and reads them again", async () => {
  const opened: RunId[] = [];
  const open = (run: RunId): ReturnType<typeof createRunSeries> => {
    opened.push(run);
    const source = { attempt: 1, file: path.join(folder, "metrics.bin"), resumedFromStep: null };
    return createRunSeries(run, () => Promise.resolve([source]));
  };
  const one = open(newRunId());
  await one.poll();
  // Steps and times are shared by the two metrics; the room to grow counts too.
  expect(one.bytes).toBeGreaterThanOrEqual(ROWS * (8 + 8 + 4 + 8 + 8));
  expect(one.bytes).toBeLessThan(3 * ROWS * (8 + 8 + 4 + 8 + 8));

  const pool = new SeriesPool(open, folder, { mostIdleBytes: 2.5 * one.bytes });
  opened.length = 0;
  const runs = [newRunId(1), newRunId(2), newRunId(3), newRunId(4)] as const;
  const look = async (run: RunId): Promise<void> => {
    const lease = pool.acquire(run);
    await lease.series.poll();
    expect(lease.series.list().map((info) => [info.name, info.count])).toEqual([
      ["loss", ROWS],
      ["lr", ROWS],
    ]);
    lease.release();
  };
  const held = pool.acquire(runs[3]);
  await held.series.poll();
  for (const run of [runs[0], runs[1], runs[0], runs[2]]) await look(run);
  expect(opened).toEqual([runs[3], runs[0], runs[1], runs[2]]);
  // The second went for the third; the first was given back after it, and the one that is held does not count.
  await look(runs[0]);
  expect(opened).toHaveLength(4);
  await look(runs[1]);
  expect(opened).toHaveLength(5);
  held.release();
  expect(held.series.bytes).toBe(one.bytes);
  pool.close();
});

it("makes compact files of a run that is over when it leaves memory, shared meanwhile; of none that may go on", async () => {
  const compact = new CompactFiles(path.join(folder, "columns"), { leastSourceBytes: 0 });
  const source = { attempt: 1, file: path.join(folder, "metrics.bin"), resumedFromStep: null };
  let opened = 0;
  const open = (run: RunId): ReturnType<typeof createRunSeries> => {
    opened++;
    return createRunSeries(run, () => Promise.resolve([source]), compact);
  };
  const [over, live] = [newRunId(5), newRunId(6)];
  const pool = new SeriesPool(open, folder, { mostIdleBytes: ROWS, isOver: (run) => run === over });
  const look = async (run: RunId): Promise<number> => {
    const lease = pool.acquire(run);
    await lease.series.poll();
    expect(lease.series.window({ metrics: ["lr"], maxPoints: 100_000 })[0]?.values).toHaveLength(ROWS);
    const { bytes } = lease.series;
    lease.release();
    return bytes;
  };
  const whole = await look(live);
  expect(await look(over)).toBe(whole);
  // Who comes while it is written is given what is in memory.
  expect(await look(over)).toBe(whole);
  expect(opened).toBe(2);
  await vi.waitFor(async () => {
    expect(await readdir(path.join(folder, "columns"))).toEqual([`${over}.1.columns`]);
  });
  await vi.waitFor(async () => {
    const lease = pool.acquire(over);
    await lease.series.poll();
    const small = lease.series.bytes;
    lease.release();
    expect(small).toBeLessThan(ROWS);
  });
  expect(await look(live)).toBe(whole);
  pool.close();
  await compact.close();
});
