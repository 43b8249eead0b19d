/** Every file that is appended to, cut at every byte: what was whole before the cut is read, and what is appended afterwards too. */
import { appendFile, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CheckpointTagRecord } from "../../protocol/artifact.ts";
import type { RunEvent } from "../../protocol/events.ts";
import { LogQuery } from "../../protocol/queries.ts";
import type { ReportRecord } from "../../protocol/report.ts";
import { openSeries } from "../../server/series/series.ts";
import { appendJsonl } from "../../server/store/jsonl.ts";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunFolder, RunPaths, RunStore } from "../../server/store/types.ts";
import { attemptRecord, resolvedSpec, runRecord } from "./fixtures.ts";

let dir: string;
let store: RunStore;
let run: RunFolder;
beforeEach(async () => {
  dir = await realpath(await mkdtemp(path.join(tmpdir(), "trainyard-torn-")));
  store = await openStore(dir);
  const record = runRecord({ state: "running", attempt: 1 });
  run = await store.create(record, { specYaml: "recipe: script\n", resolved: resolvedSpec(record.id, dir) });
  await store.writeAttempt(record.id, attemptRecord());
});
afterEach(async () => {
  store.close();
  await rm(dir, { recursive: true, force: true });
});

const TIME = "2026-01-01T00:00:00.000Z";

interface Appended {
  readonly name: string;
  readonly file: (paths: RunPaths) => string;
  /** What was written before, one piece per record; the first may hold a header as well. */
  readonly pieces: readonly Uint8Array[];
  /** Whole records as the server shows them, in their order. */
  readonly read: () => Promise<readonly unknown[]>;
  /** Appends one more record as its writer does, and gives it as it is read. */
  readonly append: (file: string, count: number) => Promise<unknown>;
}

function jsonLines(records: readonly unknown[]): Buffer[] {
  return records.map((record) => Buffer.from(`${JSON.stringify(record)}\n`));
}

async function rows(kind: "metrics" | "system"): Promise<unknown[]> {
  const series = openSeries(store, run.record.id, kind);
  await series.poll();
  const [window] = series.since({}, ["*"], 1000).windows;
  return window === undefined ? [] : Array.from(window.steps, (step, index) => [step, window.values[index]]);
}

const metricPieces = [
  Buffer.concat([fileHeader(), setRecord(0, ["loss"]), rowRecord(0, 1000, 1, [0.5])]),
  rowRecord(0, 2000, 2, [Number.NaN]),
  rowRecord(0, 3000, 3, [0.25]),
];
const metricFile = (name: string, kind: "metrics" | "system"): Appended => ({
  name,
  file: (paths) => paths.attempt(1)[kind],
  pieces: metricPieces,
  read: () => rows(kind),
  async append(file, count) {
    const writer = await MetricFileWriter.open(file);
    await writer.append(4000, count + 10, { loss: 7 });
    await writer.close();
    return [count + 10, 7];
  },
});

const event = (text: string): RunEvent => ({ type: "message", time: TIME, level: "info", text });
const tag = (name: string): CheckpointTagRecord => ({
  time: TIME,
  checkpoint: "ckpt_0123456789ab",
  name,
  action: "add",
  tag: "release",
  notes: "gr\u00fcn",
});
const report = (step: number): ReportRecord => ({ type: "plan", time: 1, first_step: step, max_steps: 9, max_epochs: null });

const FILES: readonly Appended[] = [
  metricFile("metrics.bin", "metrics"),
  metricFile("system.bin", "system"),
  {
    name: "report.jsonl",
    file: (paths) => paths.attempt(1).reportJsonl,
    pieces: jsonLines([report(1), report(2), report(3)]),
    read: () => store.report(run.record.id, 1),
    async append(file, count) {
      await appendJsonl(file, report(count));
      return report(count);
    },
  },
  {
    name: "events.jsonl",
    file: (paths) => paths.eventsJsonl,
    pieces: jsonLines([event("one"), event("zw\u00f6lf"), event("\u{1f682}")]),
    read: () => store.events(run.record.id),
    async append() {
      await store.appendEvent(run.record.id, event("next"));
      return event("next");
    },
  },
  {
    name: "checkpoint-tags.jsonl",
    file: (paths) => paths.checkpointTags,
    pieces: jsonLines([tag("a"), tag("b"), tag("c")]),
    read: () => store.checkpointTags(run.record.id),
    async append() {
      await store.appendCheckpointTag(run.record.id, tag("next"));
      return tag("next");
    },
  },
];

describe.each(FILES)("$name, cut at any byte", ({ file, pieces, read, append }) => {
  it("has every record that was whole, and takes further ones", async () => {
    const place = file(run.paths);
    const bytes = Buffer.concat(pieces);
    await writeFile(place, bytes);
    const all = await read();
    expect(all).toHaveLength(pieces.length);
    const ends = pieces.map((_, index) => Buffer.concat(pieces.slice(0, index + 1)).length);
    for (let cut = 0; cut <= bytes.length; cut++) {
      await writeFile(place, bytes.subarray(0, cut));
      const whole = ends.filter((end) => end <= cut).length;
      expect(await read(), `cut at ${cut}`).toEqual(all.slice(0, whole));
      const next = await append(place, whole);
      const after = await read();
      // A JSON line that lacks nothing but its newline is whole once the next writer has closed it.
      const closed = ends.includes(cut + 1) && !place.endsWith(".bin") ? whole + 1 : whole;
      expect(after, `appended after ${cut}`).toEqual([...all.slice(0, closed), next]);
    }
  });
});

describe("log and log.idx, cut at any byte", () => {
  const log = Buffer.from("one\nzwölf\n\u{1f682}\n");
  const index = Buffer.from(`4 1000\n11 2000\n${log.length} 3000\n`);
  const page = (): ReturnType<RunStore["logPage"]> => store.logPage(run.record.id, 1, LogQuery.parse({}));

  it("show every whole line, and those that come later", async () => {
    const { log: file, logIndex } = run.paths.attempt(1);
    await writeFile(logIndex, index);
    for (let cut = 0; cut <= log.length; cut++) {
      await writeFile(file, log.subarray(0, cut));
      const text = log.subarray(0, cut).toString("utf8");
      const lines = text.split("\n");
      if (lines.at(-1) === "") lines.pop();
      expect((await page()).lines.map((line) => line.text)).toEqual(lines);
      await appendFile(file, log.subarray(cut));
      expect((await page()).lines.map((line) => line.text)).toEqual(["one", "zwölf", "\u{1f682}"]);
    }
  });

  it("know the times that are whole, in their order, and those that come later", async () => {
    const { log: file, logIndex } = run.paths.attempt(1);
    await writeFile(file, log);
    for (let cut = 0; cut <= index.length; cut++) {
      await writeFile(logIndex, index.subarray(0, cut));
      store.close(); // another server reads it anew
      const whole = index.subarray(0, cut).toString().split("\n").slice(0, -1).length;
      const times = (await page()).lines.map((line) => line.time);
      expect(times.slice(0, whole)).toEqual([1000, 2000, 3000].slice(0, whole));
      for (const time of times.slice(whole)) expect(time ?? 1e15).toBeGreaterThanOrEqual([0, 1000, 2000, 3000][whole] ?? 0);
      await appendFile(logIndex, index.subarray(cut));
      expect((await page()).lines.map((line) => line.time)).toEqual([1000, 2000, 3000]);
    }
  });
});
