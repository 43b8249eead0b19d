import { mkdir, open, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ArtifactPreview } from "../../protocol/export.ts";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import { separated } from "../../server/store/preview.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { LiveServer } from "./live-server.ts";

let live: LiveServer;
let run: RunFolder;
let empty: RunFolder;
const ODD = 'it\'s, "odd"';
const LOSSES = [0.1 + 0.2, NaN, Infinity, -Infinity, -0, 5e-324, 1.7976931348623157e308, 1 / 3];

beforeAll(async () => {
  live = await LiveServer.folder();
  run = await live.addRun({ name: 'a "quoted", name', notes: "why" });
  empty = await live.addRun({ name: "without points" });
  await mkdir(run.paths.attempt(1).dir, { recursive: true });
  const writer = await MetricFileWriter.open(run.paths.attempt(1).metrics);
  for (const [step, loss] of LOSSES.entries())
    await writer.append(1_767_225_600_000 + step, step, step % 2 === 0 ? { loss, [ODD]: step } : { loss });
  await writer.close();
  await live.start();
});
afterAll(async () => {
  await live.remove();
});

const bits = (values: readonly number[]): string[] => {
  const view = new DataView(new ArrayBuffer(8));
  return values.map((value) => {
    view.setFloat64(0, value);
    return view.getBigUint64(0).toString(16);
  });
};

async function exported(format: string, metrics = "*"): Promise<string> {
  const ids = `${run.record.id},${empty.record.id}`;
  const response = await live.fetch(`/api/export?runs=${ids}&format=${format}&metrics=${encodeURIComponent(metrics)}`);
  expect(response.status).toBe(200);
  return response.text();
}

describe("exports", () => {
  it("give every number back bit for bit as CSV, one point per line", async () => {
    const [head, ...rows] = separated(await exported("long"), ",", 1000);
    expect(head).toEqual(["run", "name", "metric", "attempt", "step", "time", "value"]);
    const losses = rows.filter((row) => row[2] === "loss");
    expect(bits(losses.map((row) => Number(row[6])))).toEqual(bits(LOSSES));
    expect(losses[3]).toEqual([run.record.id, run.record.name, "loss", "1", "3", "1767225600003", "-Infinity"]);
    expect(rows.filter((row) => row[2] === ODD).map((row) => row[6])).toEqual(["0", "2", "4", "6"]);
  });

  it("put what was logged together into one line of the wide form", async () => {
    const [head, ...rows] = separated(await exported("wide"), ",", 1000);
    expect(head?.slice(5)).toEqual(["loss", ODD]);
    expect(bits(rows.map((row) => Number(row[5])))).toEqual(bits(LOSSES));
    expect(rows.map((row) => row[6])).toEqual(["0", "", "2", "", "4", "", "6", ""]);
  });

  it("name the run with all that is known of it in JSON lines", async () => {
    const lines = (await exported("jsonl", "lo*"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.filter((line) => line["type"] === "run").map((line) => (line["run"] as { notes: string }).notes)).toEqual(["why", ""]);
    const points = lines.filter((line) => line["type"] === "point");
    expect(bits(points.map((point) => Number(point["value"])))).toEqual(bits(LOSSES));
  });

  it("say what is wrong before they begin", async () => {
    const status = async (query: string): Promise<number> => (await live.fetch(`/api/export?${query}`)).status;
    expect(await status("runs=")).toBe(400);
    expect(await status("runs=run_00000000000000000")).toBe(404);
    expect(await status(`runs=${run.record.id}&format=xlsx`)).toBe(400);
  });
});

describe("previews", () => {
  const preview = async (name: string, content: Uint8Array | string, rows = 3): Promise<ArtifactPreview> => {
    await writeFile(path.join(run.paths.artifacts, name), content);
    return ArtifactPreview.parse(await live.client.call("previewArtifact", { params: { id: run.record.id }, query: { path: name, rows } }));
  };

  it("show texts, JSON as Python writes it, and tables", async () => {
    expect(await preview("a.txt", "1\n2\n3\n4")).toMatchObject({ kind: "text", text: "1\n2\n3", truncated: true });
    expect(await preview("a.json", '{"loss": NaN}')).toMatchObject({ kind: "json", value: { loss: "NaN" } });
    expect(await preview("b.json", "{ torn")).toMatchObject({ kind: "text", text: "{ torn" });
    const table = await preview("a.csv", 'x,y\r\n1,"a ""b""\nc"\r\n2,\r\n3,z\n4,w\n');
    expect(table).toMatchObject({
      kind: "table",
      columns: ["x", "y"],
      rows: [
        ["1", 'a "b"\nc'],
        ["2", ""],
        ["3", "z"],
      ],
      truncated: true,
    });
    expect(await preview("empty.csv", "")).toMatchObject({ kind: "table", columns: [], rows: [] });
  });

  it("show headers of tensors without reading them, and media by what they are", async () => {
    const head = Buffer.from(JSON.stringify({ __metadata__: { format: "pt" }, w: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] } }));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(head.length));
    expect(await preview("m.safetensors", Buffer.concat([length, head, Buffer.alloc(24)]))).toMatchObject({
      kind: "safetensors",
      tensors: [{ name: "w", dtype: "F32", shape: [2, 3], size_bytes: 24 }],
      parameter_count: 6,
      metadata: { format: "pt" },
    });
    expect((await preview("torn.safetensors", Buffer.alloc(9, 0xff))).kind).toBe("binary");
    const numpy = Buffer.concat([
      Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1"),
      Buffer.from("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }".padEnd(117) + "\n"),
    ]);
    expect(await preview("x.npy", numpy)).toMatchObject({ kind: "numpy", dtype: "<f8", shape: [3, 4], fortran_order: false });
    const png = Buffer.from("\x89PNG\r\n\x1a\nrest", "latin1");
    expect(await preview("p.txt", png)).toMatchObject({ kind: "media", media_type: "image/png", data: png.toString("base64") });
    expect((await preview("x.svg", "<svg><script/></svg>")).kind).toBe("text");
    expect(await preview("x.pkl", Buffer.from([0x80, 4, 0, 0]))).toMatchObject({ kind: "binary", head: "80040000" });
  });

  it("show the schema of a Parquet file and rows from any place, and say why where they cannot", async () => {
    const all = Array.from({ length: 2500 }, (_, i) => i);
    const parquet = parquetWriteBuffer({
      columnData: [
        { name: "i", data: all, type: "INT32" },
        { name: "odd, name", data: all.map((i) => (i % 2 === 0 ? null : `text ${i}`)), type: "STRING" },
        { name: "x", data: all.map((i) => (i === 2001 ? -0 : i / 3)), type: "DOUBLE", encoding: "PLAIN" },
        { name: "at", data: all.map((i) => new Date(i)), type: "TIMESTAMP" },
      ],
      kvMetadata: [{ key: "made by", value: "a test" }],
    });
    await writeFile(path.join(run.paths.artifacts, "t.parquet"), new Uint8Array(parquet));
    const look = (file: string, offset: number) =>
      live.client.call("previewArtifact", { params: { id: run.record.id }, query: { path: file, rows: 2, offset } });
    expect(await look("t.parquet", 2000)).toMatchObject({
      kind: "parquet",
      columns: [{ name: "i", type: "int32" }, { name: "odd, name" }, { name: "x", type: "double" }, { name: "at" }],
      rows: [
        ["2000", null, String(2000 / 3), "1970-01-01T00:00:02.000Z"],
        ["2001", "text 2001", "-0", "1970-01-01T00:00:02.001Z"],
      ],
      ...{ row_count: 2500, row_groups: 2, offset: 2000, truncated: true, metadata: { "made by": "a test" }, problem: null },
    });
    expect(await look("t.parquet", 2_000_000)).toMatchObject({ rows: [], row_count: 2500 });
    const bytes = Buffer.from(parquet);
    const hostile: [string, Buffer][] = [
      ["torn", bytes.subarray(0, 900)],
      ["footer", Buffer.concat([bytes.subarray(0, -8), Buffer.from([0xff, 0xff, 0xff, 0x7f]), Buffer.from("PAR1")])],
      ["pages", Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(3000, 0xff), bytes.subarray(3004)])],
    ];
    for (const [name, content] of hostile) {
      await writeFile(path.join(run.paths.artifacts, name), content);
      expect([name, await look(name, 0)]).toMatchObject([
        name,
        { kind: "binary", problem: expect.stringContaining("cannot be read as Parquet") as string },
      ]);
    }
  });

  it("look at a file of five gigabytes as fast as at a small one, and refuse what is none of the run's", async () => {
    const handle = await open(path.join(run.paths.artifacts, "huge.bin"), "w");
    await handle.truncate(5 * 1024 ** 3);
    await handle.close();
    const call = (file: string) => live.client.call("previewArtifact", { params: { id: run.record.id }, query: { path: file } });
    expect(await call("huge.bin")).toMatchObject({ kind: "binary", size_bytes: 5 * 1024 ** 3, truncated: true });
    await expect(call("../run.json")).rejects.toMatchObject({ code: "forbidden" });
    await expect(call("/etc/passwd")).rejects.toMatchObject({ code: "forbidden" });
    await expect(call("none.txt")).rejects.toMatchObject({ code: "not_found" });
  });

  it("never fail on any bytes", async () => {
    const start = fc.constantFrom("PAR1", "\x93NUMPY", "\x89PNG\r\n\x1a\n", "RIFF", "", "{", "\x10\x00\x00\x00\x00\x00\x00\x00{");
    await fc.assert(
      fc.asyncProperty(
        start,
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom("f.npy", "f.safetensors", "f.json", "f.csv", "f"),
        async (head, rest, name) => {
          await preview(name, Buffer.concat([Buffer.from(head, "latin1"), rest]));
        },
      ),
      { numRuns: 100 },
    );
  });
});
