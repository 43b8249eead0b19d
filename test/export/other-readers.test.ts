/** What pandas, DuckDB, pyarrow and TensorBoard read in exported files is what was logged, to the bit. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { ExportProvenance, ExportedRun, type ExportFormat } from "../../protocol/export.ts";
import { maskedCrc32c } from "../../server/export/tfrecord.ts";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import { writeJsonAtomic } from "../../server/store/atomic.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { LiveServer } from "../http/live-server.ts";
import { resolvedSpec } from "../store/fixtures.ts";
import { python } from "../support/machine.ts";

const ODD = 'it\'s, "odd"/ü';
const SPECIAL = [0.1 + 0.2, NaN, Infinity, -Infinity, -0, 5e-324, 1.7976931348623157e308, 1 / 3, 1e16];
const START = 1_767_225_600_000;
/** More than a row group holds. */
const MANY = 120_000;

const Rows = z.object({
  columns: z.array(z.string()),
  texts: z.array(z.array(z.string())),
  attempts: z.array(z.number()),
  step: z.array(z.string()),
  time: z.array(z.string()),
  value: z.array(z.string()),
});
const Found = z.object({
  pandas: Rows,
  duckdb: Rows,
  arrow: Rows,
  filtered: z.number(),
  parquet_metadata: z.record(z.string(), z.string()),
  arrow_metadata: z.record(z.string(), z.string()),
  empty: z.number(),
  tensorboard: z.object({
    scalars: z.record(z.string(), z.object({ step: z.array(z.number()), time: z.array(z.string()), value: z.array(z.string()) })),
    hparams: z.record(z.string(), z.unknown()),
    texts: z.record(z.string(), z.string()),
  }),
});

let live: LiveServer;
let special: RunFolder;
let long: RunFolder;
let found: z.infer<typeof Found>;

const bits = (values: readonly number[]): string[] => {
  const view = new DataView(new ArrayBuffer(8));
  return values.map((value) => {
    view.setFloat64(0, value);
    return view.getBigUint64(0).toString(16);
  });
};
const wave = (i: number): number => Math.sin(i) * 10 ** (i % 17);

beforeAll(async () => {
  live = await LiveServer.folder();
  special = await live.addRun({
    name: 'a "special", run',
    notes: "why",
    started_at: "2026-01-01T00:00:00.000Z",
    ended_at: "2026-01-01T01:00:00Z",
  });
  long = await live.addRun({ name: "long" });
  const empty = await live.addRun({ name: "without points" });
  const params = { lr: 1e-4, deep: { on: true, name: "x" } };
  await writeJsonAtomic(special.paths.resolvedJson, { ...resolvedSpec(special.record.id, special.paths.dir), params });
  const write = async (run: RunFolder, rows: Iterable<Record<string, number>>): Promise<void> => {
    await mkdir(run.paths.attempt(1).dir, { recursive: true });
    const writer = await MetricFileWriter.open(run.paths.attempt(1).metrics);
    let step = 0;
    for (const values of rows) void writer.append(START + step * 1000 + 0.25, step++, values);
    await writer.close();
  };
  await write(
    special,
    SPECIAL.map((loss, i) => (i % 2 === 0 ? { loss, [ODD]: i } : { loss })),
  );
  await write(
    long,
    Array.from({ length: MANY }, (_, i) => ({ loss: wave(i) })),
  );
  await live.start();
  const both = `${special.record.id},${long.record.id}`;
  const save = async (name: string, format: ExportFormat, runs: string): Promise<void> => {
    const file = path.join(live.root, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, await live.client.bytes("exportRuns", { query: { runs, format, metrics: "*" } }));
  };
  await save("all.parquet", "parquet", both);
  await save("all.arrow", "arrow", both);
  await save("empty.parquet", "parquet", empty.record.id);
  await save("events/events.out.tfevents.0.x", "tensorboard", special.record.id);
  const script = path.join(import.meta.dirname, "read_exports.py");
  const { stdout } = await promisify(execFile)(python(), [script, live.root], { maxBuffer: 256 * 1024 * 1024 });
  found = Found.parse(JSON.parse(stdout));
}, 120_000);
afterAll(async () => {
  await live.remove();
});

describe("exported files", () => {
  it.each(["pandas", "duckdb", "arrow"] as const)("give every point back bit for bit to %s", (reader) => {
    const rows = found[reader];
    expect(rows.columns).toEqual(["run", "name", "metric", "attempt", "step", "time", "value"]);
    expect(rows.texts).toEqual([
      [special.record.id, special.record.name, "loss"],
      [special.record.id, special.record.name, ODD],
      [long.record.id, "long", "loss"],
    ]);
    const odd = SPECIAL.flatMap((_, i) => (i % 2 === 0 ? [i] : []));
    const all = Array.from({ length: MANY }, (_, i) => i);
    const steps = [...SPECIAL.keys(), ...odd, ...all];
    expect(rows.value).toEqual(bits([...SPECIAL, ...odd, ...all.map(wave)]));
    expect(rows.step).toEqual(bits(steps));
    expect(rows.time).toEqual(bits(steps.map((step) => START + step * 1000 + 0.25)));
    expect(new Set(rows.attempts)).toEqual(new Set([1]));
  });

  it("carry their provenance and all that is known of the runs", () => {
    const { parquet_metadata: metadata } = found;
    const read = (key: string): unknown => JSON.parse(metadata[`trainyard.${key}`] ?? "null");
    const provenance = ExportProvenance.parse({
      version: metadata["trainyard.version"],
      store: metadata["trainyard.store"],
      exported_at: metadata["trainyard.exported_at"],
      query: read("query"),
      metrics: read("metrics"),
    });
    expect(provenance).toMatchObject({ store: live.store, query: { runs: [special.record.id, long.record.id], metrics: ["*"] } });
    const runs = z.array(ExportedRun).parse(read("runs"));
    expect(runs[0]).toMatchObject({ notes: "why", params: { lr: 1e-4 }, spec_source: "recipe: script\nproject: demo\n" });
    expect(Object.keys(found.arrow_metadata).sort()).toEqual(Object.keys(metadata).sort());
    expect(found.arrow_metadata["trainyard.runs"]).toBe(metadata["trainyard.runs"]);
  });

  it("do not hide values behind statistics with a NaN among them, and may hold no points", () => {
    expect(found.filtered).toBe(3); // the largest double, infinity, and NaN, which DuckDB puts above all
    expect(found.empty).toBe(0);
  });

  it("are read by TensorBoard with the same numbers, hyperparameters and texts", () => {
    const { scalars, hparams, texts } = found.tensorboard;
    expect(scalars["loss"]).toEqual({
      step: [...SPECIAL.keys()],
      time: bits(SPECIAL.map((_, step) => (START + step * 1000 + 0.25) / 1000)),
      value: bits(SPECIAL.map(Math.fround)),
    });
    expect(scalars[ODD]?.step).toEqual([0, 2, 4, 6, 8]);
    expect(hparams).toEqual({ lr: 1e-4, "deep.on": true, "deep.name": "x" });
    expect(texts["notes/text_summary"]).toBe("why");
    expect(texts["spec/text_summary"]).toContain("recipe: script");
  });

  it("of TensorBoard hold one run each", async () => {
    const query = { runs: `${special.record.id},${long.record.id}`, format: "tensorboard", metrics: "*" } as const;
    await expect(live.client.bytes("exportRuns", { query })).rejects.toMatchObject({ code: "bad_request" });
  });
});

it("checksums are those of the CRC catalogue", () => {
  // CRC-32C of "123456789" is e3069283; masked as TFRecord does it.
  const crc = 0xe3069283;
  expect(maskedCrc32c(Buffer.from("123456789"))).toBe((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
});
