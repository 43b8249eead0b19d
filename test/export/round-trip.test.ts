/** Exported, imported and exported again, a run is what it was: every bit of every point, and all that is known of it. */
import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ExportedRun, type ExportFormat } from "../../protocol/export.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { ImportReport, ImportRequest } from "../../protocol/import.ts";
import type { RunRecord } from "../../protocol/run.ts";
import { FORMATS } from "../../server/export/formats.ts";
import { ALL_POINTS, type ExportJob } from "../../server/export/job.ts";
import { CsvRows } from "../../server/import/csv.ts";
import { importFile } from "../../server/import/import-file.ts";
import { openSeries } from "../../server/series/series.ts";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunFolder, RunStore } from "../../server/store/types.ts";
import { LiveServer } from "../http/live-server.ts";
import { resolvedSpec, runRecord } from "../store/fixtures.ts";

/** More of them: TRAINYARD_TEST_ROUNDS=500. */
const ROUNDS = Number(process.env["TRAINYARD_TEST_ROUNDS"] ?? 12);
const POINT_FORMATS = ["long", "wide", "jsonl", "parquet", "arrow"] as const;

const PARAMS = { lr: 0.1, deep: { on: [1, null] } };

let root: string;
let store: RunStore;

beforeAll(async () => {
  root = await realpath(await mkdtemp(path.join(os.tmpdir(), "ty-import-")));
  store = await openStore(path.join(root, "store"));
});
afterAll(async () => {
  store.close();
  await rm(root, { recursive: true, force: true });
});

interface Row {
  readonly step: number;
  readonly time: number;
  readonly values: Readonly<Record<string, number>>;
}

const anyNumber = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 0, 5e-324, 0.1 + 0.2));
const anyName = fc.oneof(
  fc.constantFrom("loss", "eval/loss", 'odd "name", ü', "a\nb"),
  fc.string({ minLength: 1, maxLength: 8, unit: "grapheme" }),
);
const anyRow: fc.Arbitrary<Row> = fc.record({
  step: fc.oneof(fc.integer({ min: -5, max: 30 }), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(-0)),
  time: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 })),
  values: fc.dictionary(anyName, anyNumber, { minKeys: 1, maxKeys: 4 }),
});
/** Attempts in their order, each with the step that it continued from. */
const anyRun = fc.array(fc.record({ rows: fc.array(anyRow, { maxLength: 12 }), resumed: fc.option(fc.nat(20)) }), {
  minLength: 1,
  maxLength: 3,
});

async function makeRun(
  attempts: readonly { rows: readonly Row[]; resumed: number | null }[],
  fields: Partial<RunRecord> = {},
): Promise<RunFolder> {
  const record = runRecord({ state: "completed", attempt: attempts.length, ...fields });
  const resolved = { ...resolvedSpec(record.id, "/"), params: PARAMS };
  const run = await store.create(record, { specYaml: "recipe: script\n", resolved });
  for (const [i, { rows, resumed }] of attempts.entries()) {
    const { metrics } = await store.writeAttempt(record.id, {
      ...{ version: 1, number: i + 1, launcher: "local", command: ["true"], cwd: "/", env: {}, python: null, grace_seconds: 1 },
      kind: i === 0 ? "start" : "continue",
      resumed_from: resumed === null ? null : { checkpoint: "c", path: "/c", step: resumed },
      created_at: record.created_at,
    });
    await writeFile(metrics, Buffer.concat([fileHeader(), ...records(rows)]));
  }
  return run;
}

/** A set for every row: what a script logs need not be the same twice. */
function records(rows: readonly Row[]): Uint8Array[] {
  return rows.flatMap(({ step, time, values }, set) => [
    setRecord(set, Object.keys(values)),
    rowRecord(set, time, step, Object.values(values)),
  ]);
}

/** The same as the server's route, without a server. */
async function exported(id: RunId, format: ExportFormat): Promise<Buffer> {
  const { record } = await store.read(id);
  const series = openSeries(store, id, "metrics");
  await series.poll();
  const windows = series.window({ metrics: ["*"], maxPoints: ALL_POINTS });
  const facts = { progress: null, params: PARAMS, metrics: {}, checkpoint_count: 0, forkable: false, damage: null };
  const job: ExportJob = {
    provenance: {
      ...{ version: "1.2.3", store: store.root, exported_at: "2026-01-01T00:00:00.000Z", query: { runs: [id], metrics: ["*"] } },
      metrics: windows.map(({ name }) => name),
    },
    runs: [ExportedRun.parse({ ...record, ...facts, spec_source: "recipe: script\n" })],
    points: () => Promise.resolve(windows),
    folder: (run) => store.paths(run).dir,
    checkpoints: () => Promise.resolve([]),
  };
  const pieces: Uint8Array[] = [];
  for await (const piece of FORMATS[format].write(job)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Into the store that it came from: points always make new runs. */
const imported = (request: ImportRequest): Promise<ImportReport> => importFile(store, request, () => false);

/** The long form without the columns that name the run: text that keeps every bit. Metrics may come in another order, points may not. */
async function longForm(id: RunId): Promise<Map<string, string[]>> {
  const windows = new Map<string, string[]>();
  const csv = new CsvRows();
  for (const [, , metric = "", ...cells] of [...csv.push((await exported(id, "long")).toString()), ...csv.end()].slice(1))
    windows.set(metric, [...(windows.get(metric) ?? []), cells.join(",")]);
  return windows;
}

describe("export and import", () => {
  it.each(POINT_FORMATS)("lose no bit of any point as %s", async (format) => {
    const file = path.join(root, `x.${format}`);
    const copyOf = async (id: RunId): Promise<RunId> => {
      await writeFile(file, await exported(id, format));
      return (await imported({ path: file })).runs[0]?.id ?? "";
    };
    await fc.assert(
      fc.asyncProperty(anyRun, async (attempts) => {
        const { id } = (await makeRun(attempts)).record;
        const wanted = await longForm(id);
        // CSV does not name a run without points.
        if (wanted.size === 0 && (format === "long" || format === "wide")) return;
        const copy = await copyOf(id);
        expect(copy).not.toBe(id);
        expect(await longForm(copy)).toEqual(wanted);
        expect(await longForm(await copyOf(copy))).toEqual(wanted);
      }),
      { numRuns: ROUNDS },
    );
  });

  it.each(["jsonl", "parquet", "arrow"] as const)("keep all that is known of runs as %s, and say where they come from", async (format) => {
    const known = {
      name: 'ü "odd"',
      notes: "why\nnot",
      tags: ["a", "b"],
      starred: true,
      seed: 7,
      state: "failed" as const,
      failure: { class: "nan_loss" as const, message: "m", evidence: ["e"], advice: "a" },
      git: { root: "/r", commit: "c", branch: "b", remote: null, dirty_files: 1 },
      environment: {
        ...{
          hostname: "h",
          platform: "p",
          cpu_count: 1,
          memory_bytes: 2,
          gpus: ["g"],
          python: "/py",
          python_version: "3",
          packages: { torch: "2" },
        },
      },
      started_at: "2026-01-01T00:00:00.000Z",
      ended_at: "2026-01-01T01:00:00.000Z",
    };
    const run = await makeRun([{ rows: [{ step: 1, time: 2, values: { loss: NaN } }], resumed: null }], known);
    const file = path.join(root, "known");
    await writeFile(file, await exported(run.record.id, format));
    const report = await imported({ path: file, project: "elsewhere" });
    const [copy] = report.runs;
    expect(copy).toMatchObject({ source_run: run.record.id, project: "elsewhere", points: 1 });
    const id = copy?.id ?? "";
    const { record } = await store.read(id);
    expect(record).toMatchObject({ ...known, project: "elsewhere", origin: "import" });
    expect(record.imported).toMatchObject({ format, file, run: run.record.id, store: store.root, version: "1.2.3" });
    expect((await store.resolved(id))?.params).toEqual(PARAMS);
    expect(await store.attempts(id)).toMatchObject([{ kind: "import", command: ["trainyard", "import", file] }]);
    // A run that has not started has no points, and still is a run.
    const draft = await makeRun([], { name: "not started", state: "draft" });
    await writeFile(file, await exported(draft.record.id, format));
    const [other] = (await imported({ path: file })).runs;
    expect((await store.read(other?.id ?? "")).record).toMatchObject({ name: "not started", state: "interrupted", attempt: 0 });
  });

  it("make runs that the server shows at once", async () => {
    const live = await LiveServer.folder();
    try {
      await live.start();
      const run = await makeRun([{ rows: [{ step: 1, time: 2, values: { loss: 0.25 } }], resumed: null }]);
      const file = path.join(root, "shown.parquet");
      await writeFile(file, await exported(run.record.id, "parquet"));
      const report = await live.client.call("importRuns", { body: { path: file } });
      const { runs } = await live.client.call("listRuns");
      expect(runs.map(({ id }) => id)).toEqual(report.runs.map(({ id }) => id));
      expect(runs[0]).toMatchObject({ metrics: { loss: { last: 0.25 } }, params: PARAMS, imported: { run: run.record.id } });
      await expect(live.client.call("importRuns", { body: { path: "relative.csv" } })).rejects.toMatchObject({ code: "bad_request" });
    } finally {
      await live.remove();
    }
  });

  it("take a run as a server gives it, whose steps are beyond the integers that are exact", async () => {
    const live = await LiveServer.folder();
    try {
      await live.start();
      const run = await makeRun([{ rows: [{ step: 2 ** 60, time: 2, values: { loss: 0.25 } }], resumed: null }]);
      let file = path.join(root, "far.parquet");
      await writeFile(file, await exported(run.record.id, "parquet"));
      for (const format of ["jsonl", "parquet", "arrow"] as const) {
        const { runs } = await live.client.call("importRuns", { body: { path: file } });
        const id = runs[0]!.id;
        expect((await live.client.call("getRun", { params: { id } })).progress?.step).toBe(2 ** 60);
        file = path.join(root, `far.${format}`);
        await writeFile(file, await live.client.bytes("exportRuns", { query: { runs: id, format } }));
      }
      expect((await live.client.call("importRuns", { body: { path: file } })).runs).toHaveLength(1);
    } finally {
      await live.remove();
    }
  });

  it("say what is wrong with a file and where, and leave nothing behind", async () => {
    const head = "run,name,metric,attempt,step,time,value\n";
    const wrong: [string, string, RegExp][] = [
      ["empty", "", /none of Trainyard's exports/],
      ["text", "hello", /none of Trainyard's exports/],
      ["cells", `${head}r,n,loss,1,2\n`, /row 2: it has 5 cells where 7 are needed/],
      ["number", `${head}r,n,loss,1,2,3,x\n`, /row 2: "x" is no number/],
      ["blank", `${head}r,n,loss,1,,3,4\n`, /row 2: "" is no number/],
      ["attempt", `${head}r,n,loss,0,2,3,4\n`, /the attempt 0/],
      ["step", `${head}r,n,loss,1,Infinity,3,4\n`, /no finite step/],
      ["quote", `${head}"r,n,loss,1,2,3,4\n${"x".repeat(2_000_000)}`, /a quote missing|more than a million/],
      ["json", '{"type":"point"}\n', /line 1: run/],
      ["torn", '{"type":"export"}\n{"type":"po', /line 2/],
      ["parquet", "PAR1 and nothing more", /cannot be read as parquet/],
      ["arrow", "ARROW1\0\0\xff\xff\xff\xff\xff\xff", /cannot be read as arrow|needs the columns|holds no run/],
      ["none", head, /holds no run/],
    ];
    const before = (await store.scan()).runs.length;
    for (const [name, content, message] of wrong) {
      const file = path.join(root, name);
      await writeFile(file, content, "latin1");
      const error: unknown = await imported({ path: file }).catch((caught: unknown) => caught);
      expect([name, error]).toMatchObject([name, { code: "bad_request" }]);
      expect((error as Error).message).toMatch(message);
    }
    await mkdir(path.join(root, "folder"));
    const codeOf = (file: string): Promise<unknown> => imported({ path: file }).catch((error: unknown) => (error as { code: string }).code);
    expect(await codeOf(path.join(root, "folder"))).toBe("bad_request");
    expect(await codeOf(path.join(root, "missing"))).toBe("missing_file");
    expect(await codeOf("relative.csv")).toBe("bad_request");
    expect((await store.scan()).runs.length).toBe(before);
    expect(await readdir(path.join(store.root, ".staging"))).toEqual([]);
  });

  it("refuse any bytes with a typed error", async () => {
    const heads = ["PAR1", "ARROW1\0\0", "{", "run,name,metric,attempt,step,time,value\n", "run,name,attempt,step,time,a\n", ""];
    const file = path.join(root, "fuzz");
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...heads),
        fc.uint8Array({ maxLength: 80 }),
        fc.constantFrom("", "PAR1"),
        async (head, rest, tail) => {
          await writeFile(file, Buffer.concat([Buffer.from(head, "latin1"), rest, Buffer.from(tail)]));
          const error: unknown = await imported({ path: file }).catch((caught: unknown) => caught);
          expect(error).toMatchObject({ code: "bad_request" });
        },
      ),
      { numRuns: 150 },
    );
  });
});
