/** A run answers from its compact files as it does from its metric files; whatever is wrong with a compact file, it answers so still. */
import { truncateSync } from "node:fs";
import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newRunId } from "../../protocol/ids.ts";
import { CompactFiles } from "../../server/series/compact-files.ts";
import { checksum, COMPACT_VERSION, PAGE, PREAMBLE_BYTES } from "../../server/series/compact-file.ts";
import { createRunSeries } from "../../server/series/run-series.ts";
import type { RunSeries, SeriesSource } from "../../server/series/types.ts";
import { countedAttempt, countedRows } from "./counted-runs.ts";
import { attemptsArbitrary, encodeRows, oddRows, toRows } from "./model.ts";

const run = newRunId();
let dir: string;
let folder: string;
let files: CompactFiles;
let sources: SeriesSource[];

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "trainyard-compact-"));
  folder = path.join(dir, "columns");
  files = new CompactFiles(folder, { leastSourceBytes: 0 });
  sources = [];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const open = (compact: CompactFiles | null): RunSeries => createRunSeries(run, () => Promise.resolve(sources), compact);

async function write(attempt: number, bytes: Uint8Array, resumedFromStep: number | null = null): Promise<void> {
  const file = path.join(dir, `${String(attempt)}.bin`);
  await writeFile(file, bytes);
  sources = [...sources.filter((source) => source.attempt !== attempt), { attempt, file, resumedFromStep }];
}

async function compact(): Promise<void> {
  const series = open(files);
  await series.poll();
  await series.compact();
  series.close();
}

/** Everything that can be asked, but windows. */
function facts(series: RunSeries): unknown {
  return {
    list: series.list(),
    cursor: series.cursor(),
    newest: series.newest(),
    secondsPerStep: series.secondsPerStep(),
    ranges: sources.map(({ attempt }) => series.stepRange(attempt)),
    damage: series.damage,
  };
}

const ALL = { metrics: ["*", "_epoch"], maxPoints: 100_000 };
const compactFile = (attempt: number): string => path.join(folder, `${run}.${String(attempt)}.columns`);

async function bothPolled(): Promise<{ plain: RunSeries; quick: RunSeries }> {
  const [plain, quick] = [open(null), open(files)];
  expect(await quick.poll()).toBe(await plain.poll());
  return { plain, quick };
}

/** Are the points of the long attempts not in memory? */
function isCompact({ plain, quick }: { plain: RunSeries; quick: RunSeries }): boolean {
  return quick.bytes < plain.bytes / 4;
}

describe("a run with compact files", () => {
  it("answers as from its metric files: attempts in any order, rewound steps, steps that go back, news since any cursor", async () => {
    await fc.assert(
      fc.asyncProperty(attemptsArbitrary, fc.array(fc.nat({ max: 30 }), { minLength: 4, maxLength: 4 }), async (inputs, rowsKnown) => {
        sources = [];
        files.remove(run);
        for (const [i, input] of inputs.entries()) await write(i + 1, encodeRows(toRows(input)), input.resumedFromStep);
        await compact();
        const { plain, quick } = await bothPolled();
        expect(facts(quick)).toEqual(facts(plain));
        const cursor = Object.fromEntries(inputs.map((_, i) => [String(i + 1), rowsKnown[i]!]));
        for (const known of [cursor, plain.cursor(), {}])
          expect(quick.since(known, ["*", "_epoch"], 40)).toEqual(plain.since(known, ["*", "_epoch"], 40));
        for (const attempt of [undefined, ...sources.map((source) => source.attempt)])
          for (const maxPoints of [5, 100]) {
            const query = { ...ALL, maxPoints, ...(attempt !== undefined && { attempt }) };
            expect(quick.window(query)).toEqual(plain.window(query));
          }
        plain.close();
        quick.close();
      }),
      { numRuns: 60 },
    );
  });

  it("places points on a counter as from its metric files, or tells the same reason why not", async () => {
    let placed = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(countedAttempt, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 2, max: 40 }),
        async (inputs, maxPoints) => {
          sources = [];
          files.remove(run);
          for (const [i, input] of inputs.entries()) await write(i + 1, encodeRows(countedRows(input)), input.resumedFromStep);
          await compact();
          const { plain, quick } = await bothPolled();
          expect(quick.counterProblem("tokens")).toBe(plain.counterProblem("tokens"));
          const query = { ...ALL, maxPoints, counter: "tokens" };
          const windows = plain.window(query);
          if (windows.some((window) => window.xs !== undefined)) placed++;
          expect(quick.window(query)).toEqual(windows);
          expect(quick.since({}, ["loss"], 50, { counter: "tokens" })).toEqual(plain.since({}, ["loss"], 50, { counter: "tokens" }));
          plain.close();
          quick.close();
        },
      ),
      { numRuns: 60 },
    );
    expect(placed).toBeGreaterThan(5);
  });

  it("has the same windows of a long run at any zoom, and reads little for them", async () => {
    const rows = 5 * PAGE + 777;
    await write(1, encodeRows(oddRows(0, rows)));
    await write(2, encodeRows(oddRows(rows - 2 * PAGE, rows + 2 * PAGE)), rows - 2 * PAGE - 1);
    await compact();
    const { plain, quick } = await bothPolled();
    expect(facts(quick)).toEqual(facts(plain));
    expect(isCompact({ plain, quick })).toBe(true);
    fc.assert(
      fc.property(
        fc.nat({ max: rows }),
        fc.nat({ max: rows }),
        fc.oneof(fc.integer({ min: 2, max: 200 }), fc.integer({ min: 2, max: 6000 })),
        fc.constantFrom(undefined, 1, 2),
        (a, b, maxPoints, attempt) => {
          const query = { ...ALL, fromStep: Math.min(a, b), toStep: Math.max(a, b), maxPoints, ...(attempt !== undefined && { attempt }) };
          expect(quick.window(query)).toEqual(plain.window(query));
        },
      ),
      { numRuns: 40 },
    );
    expect(quick.window(ALL)).toEqual(plain.window(ALL));
    quick.close();
    plain.close();
  });

  it("goes over to the metric file as soon as that changes, without a point lost or doubled", async () => {
    const rows = 3 * PAGE;
    await write(1, encodeRows(oddRows(0, rows)));
    await compact();
    const { plain, quick } = await bothPolled();
    expect(isCompact({ plain, quick })).toBe(true);
    const cursor = quick.cursor();
    expect(await quick.poll()).toBe(false);
    const whole = encodeRows(oddRows(0, rows + 50));
    await appendFile(sources[0]!.file, whole.subarray((await stat(sources[0]!.file)).size));
    expect(await quick.poll()).toBe(true);
    await plain.poll();
    expect(quick.since(cursor, ["*"], 5000)).toEqual(plain.since(cursor, ["*"], 5000));
    expect(facts(quick)).toEqual(facts(plain));
    // Nor is the file taken for good by the next one, until it was made anew.
    expect(isCompact(await bothPolled())).toBe(false);
    await compact();
    expect(isCompact(await bothPolled())).toBe(true);

    await writeFile(sources[0]!.file, encodeRows(oddRows(0, 10)));
    expect(await quick.poll()).toBe(true);
    expect(quick.list().find((info) => info.name === "loss")?.count).toBe(10);
  });

  it("makes none of a short, a damaged or a changed file, none once it is closed, and none of a run that was removed", async () => {
    const bytes = encodeRows(oddRows(0, 3000));
    await write(1, bytes);
    const made = async (by: CompactFiles): Promise<string[]> => {
      const series = createRunSeries(run, () => Promise.resolve(sources), by);
      await series.poll();
      await series.compact();
      series.close();
      return readdir(folder).catch(() => []);
    };
    expect(await made(new CompactFiles(folder, { leastSourceBytes: bytes.length + 1 }))).toEqual([]);
    const closed = new CompactFiles(folder, { leastSourceBytes: 0 });
    await closed.close();
    expect(await made(closed)).toEqual([]);

    const late = open(files);
    await late.poll();
    await utimes(sources[0]!.file, 1, 1);
    await late.compact();
    expect(await readdir(folder).catch(() => [])).toEqual([]);

    await write(2, Buffer.concat([bytes, Buffer.alloc(64, 7), bytes.subarray(16)]));
    await write(1, encodeRows([]));
    sources = sources.filter((source) => source.attempt === 2);
    expect(await made(files)).toEqual([]);

    await write(2, bytes);
    const removed = open(files);
    await removed.poll();
    const writing = removed.compact();
    files.remove(run);
    await writing;
    expect(await readdir(folder).catch(() => [])).toEqual([]);
    expect(await made(files)).toHaveLength(1);
    files.remove(run);
    expect(await readdir(folder)).toEqual([]);
  });

  it("keeps within its part of the disk: what was used longest ago goes first; what belongs to no run is removed", async () => {
    const runs = [newRunId(1), newRunId(2), newRunId(3)];
    const bytes = encodeRows(oddRows(0, 3000));
    await write(1, bytes);
    await compact();
    const { size } = await stat(compactFile(1));
    files.remove(run);
    const bounded = new CompactFiles(folder, { leastSourceBytes: 0, mostBytes: 2.5 * size });
    const use = async (id: (typeof runs)[number]): Promise<void> => {
      const series = createRunSeries(id, () => Promise.resolve(sources), bounded);
      await series.poll();
      await series.compact();
      series.close();
      // Two uses may fall into one tick of the file system's clock.
      await new Promise((resolve) => setTimeout(resolve, 20));
    };
    for (const id of [runs[0]!, runs[1]!, runs[0]!, runs[2]!]) await use(id);
    expect((await readdir(folder)).sort()).toEqual([`${runs[0]!}.1.columns`, `${runs[2]!}.1.columns`].sort());
    await writeFile(path.join(folder, `${runs[0]!}.1.columns.tmp`), "half");
    bounded.prune((id) => id === runs[0]);
    expect(await readdir(folder)).toEqual([`${runs[0]!}.1.columns`]);
  });
});

describe("a compact file that is not as it was written", () => {
  /** Points with a NaN among them, in one page each. */
  async function small(): Promise<Buffer> {
    await write(1, encodeRows(oddRows(0, 70)));
    await compact();
    return readFile(compactFile(1));
  }

  const answers = (series: RunSeries): unknown => [series.window(ALL), facts(series), series.since({}, ["*"], 50)];

  /** Whatever lies there: the answers are those of the metric file. */
  async function answersStill(): Promise<void> {
    const { plain, quick } = await bothPolled();
    expect(answers(quick)).toEqual(answers(plain));
    quick.close();
    plain.close();
  }

  it("is not used where it is cut at any byte", async () => {
    const bytes = await small();
    const right = answers((await bothPolled()).plain);
    const reader = new CompactFiles(folder);
    for (let length = bytes.length - 1; length >= 0; length--) {
      truncateSync(compactFile(1), length);
      expect(reader.open(run, sources[0]!), `cut at ${String(length)}`).toBe(null);
      if (length % 1000 > 0) continue;
      const series = open(files);
      await series.poll();
      expect(answers(series)).toEqual(right);
      series.close();
    }
  });

  it("is left in the middle of an answer where the disk has zeros in place of any of it", async () => {
    const bytes = await small();
    const right = answers((await bothPolled()).plain);
    let opened = 0;
    for (let at = 0; at < bytes.length; at += 29) {
      await writeFile(compactFile(1), Buffer.from(bytes).fill(0, at, Math.min(bytes.length, at + 64)));
      const asFound = files.open(run, sources[0]!);
      if (asFound !== null) opened++;
      asFound?.close();
      const series = open(files);
      await series.poll();
      expect(answers(series), `zeros at ${String(at)}`).toEqual(right);
      series.close();
    }
    expect(opened).toBeGreaterThan(50);
    await writeFile(compactFile(1), Buffer.alloc(bytes.length));
    await answersStill();
  });

  it("is not used when another version wrote it, and is made anew", async () => {
    const bytes = await small();
    const words = new Uint32Array(new Uint8Array(bytes).buffer);
    words[1] = COMPACT_VERSION + 1;
    const last = PREAMBLE_BYTES / 4 - 1;
    words[last] = checksum(words.subarray(0, last - 1));
    await writeFile(compactFile(1), new Uint8Array(words.buffer));
    await answersStill();
    await compact();
    expect(await readFile(compactFile(1))).toEqual(bytes);
  });

  it("is not used for a metric file with other newest bytes, or of another time", async () => {
    await small();
    const file = sources[0]!.file;
    const before = await stat(file);
    await truncate(compactFile(1), 0);
    await answersStill();
    await rm(compactFile(1));
    await compact();
    const other = encodeRows(oddRows(0, 70).map((row) => ({ ...row, time: row.time + 1 })));
    await writeFile(file, other);
    await utimes(file, before.atime, before.mtime);
    await answersStill();
  });
});
