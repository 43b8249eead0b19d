/** A run that lets go of its old values answers as one that keeps them. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newRunId } from "../../protocol/ids.ts";
import { createRunSeries } from "../../server/series/run-series.ts";
import { BLOCK, SpillFile } from "../../server/series/spill.ts";
import type { RunSeries } from "../../server/series/types.ts";
import { encodeRows, oddRows } from "./model.ts";

const ROWS = 5 * BLOCK + 777;

let dir: string;
let spill: SpillFile;

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "trainyard-spill-"));
  spill = new SpillFile(dir);
});
afterEach(async () => {
  spill.close();
  await rm(dir, { recursive: true, force: true });
});

const file = (name: string): string => path.join(dir, name);
const open = (name: string): RunSeries =>
  createRunSeries(newRunId(), () => Promise.resolve([{ attempt: 1, file: file(name), resumedFromStep: null }]));

describe("a run that lets go", () => {
  it("has the same windows, summaries and news, while it grows and at any zoom", async () => {
    const [kept, letting] = [open("points"), open("points")];
    letting.letGo(spill);
    let cursor = {};
    const pieces = [10, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 63, ROWS];
    for (const end of pieces) {
      await writeFile(file("points"), encodeRows(oddRows(0, end)));
      await kept.poll();
      await letting.poll();
      expect(letting.list()).toEqual(kept.list());
      expect(letting.newest()).toEqual(kept.newest());
      const news = kept.since(cursor, ["*"], 5000);
      expect(letting.since(cursor, ["*"], 5000)).toEqual(news);
      ({ cursor } = news);
    }
    expect(spill.blocks).toBeGreaterThanOrEqual(2 * 4);
    fc.assert(
      fc.property(fc.nat({ max: ROWS }), fc.nat({ max: ROWS }), fc.integer({ min: 2, max: 6000 }), (a, b, maxPoints) => {
        const query = { metrics: ["*", "_epoch"], fromStep: Math.min(a, b), toStep: Math.max(a, b), maxPoints };
        expect(letting.window(query)).toEqual(kept.window(query));
      }),
      { numRuns: 100 },
    );
    letting.close();
    expect(spill.blocks).toBe(0);
  });

  it("has the same joined curve when a later attempt goes back", async () => {
    await writeFile(file("1"), encodeRows(oddRows(0, ROWS)));
    await writeFile(file("2"), encodeRows(oddRows(BLOCK + 5, ROWS)));
    const both = (): RunSeries =>
      createRunSeries(newRunId(), () =>
        Promise.resolve([1, 2].map((attempt) => ({ attempt, file: file(String(attempt)), resumedFromStep: null }))),
      );
    const [kept, letting] = [both(), both()];
    letting.letGo(spill);
    await kept.poll();
    await letting.poll();
    for (const attempt of [undefined, 1, 2]) {
      const query = { metrics: ["*"], maxPoints: 100_000, ...(attempt !== undefined && { attempt }) };
      expect(letting.window(query)).toEqual(kept.window(query));
    }
    expect(letting.list()).toEqual(kept.list());
  });

  it("gives its blocks back when its file was replaced, and starts over", async () => {
    const series = open("points");
    series.letGo(spill);
    await writeFile(file("points"), encodeRows(oddRows(0, ROWS)));
    await series.poll();
    await writeFile(file("points"), encodeRows(oddRows(0, 10)));
    await series.poll();
    expect(spill.blocks).toBe(0);
    expect(series.list().find((info) => info.name === "loss")?.count).toBe(10);
  });

  it("keeps everything in memory where nothing can be written, and leaves no file behind where it can", async () => {
    const [stuck, free] = [open("points"), open("points")];
    const nowhere = new SpillFile(path.join(dir, "missing"));
    stuck.letGo(nowhere);
    free.letGo(spill);
    await writeFile(file("points"), encodeRows(oddRows(0, ROWS)));
    await stuck.poll();
    await free.poll();
    expect(nowhere.blocks).toBe(0);
    const query = { metrics: ["*"], maxPoints: 100_000 };
    expect(stuck.window(query)).toEqual(free.window(query));
    expect(await readdir(dir)).toEqual(["points"]);
  });
});
