import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import { SeriesPool } from "../../server/runs/series-pool.ts";
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

  const pool = new SeriesPool(open, folder, 2.5 * one.bytes);
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
