import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MetricFileReader, ROW_PREFIX, type MetricSet } from "../../server/store/metric-reader.ts";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";

let dir: string;
let file: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "trainyard-metrics-"));
  file = path.join(dir, "metrics.bin");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

interface Row {
  time: number;
  step: number;
  values: Record<string, number>;
}

class Collector {
  rows: Row[] = [];
  restarts = 0;
  readonly reader: MetricFileReader;
  constructor(path: string) {
    this.reader = new MetricFileReader(path, {
      rows: (set: MetricSet, data: Float64Array, count: number) => {
        const stride = ROW_PREFIX + set.names.length;
        for (let i = 0; i < count; i++) {
          const values = Object.fromEntries(set.names.map((name, k) => [name, data[i * stride + ROW_PREFIX + k]!]));
          this.rows.push({ time: data[i * stride + 1]!, step: data[i * stride + 2]!, values });
        }
      },
      restart: () => {
        this.rows = [];
        this.restarts++;
      },
    });
  }
}

const names = fc.uniqueArray(fc.string({ unit: "grapheme", minLength: 0, maxLength: 12 }), { minLength: 0, maxLength: 5 });
const content = fc.array(fc.record({ names, rows: fc.array(fc.double(), { maxLength: 4 }) }), { maxLength: 6 });

/** The bytes of a file, its rows, and where each record ends. */
function encode(sets: { names: string[]; rows: number[] }[]): { bytes: Buffer; rows: Row[]; ends: { at: number; rows: number }[] } {
  const parts = [fileHeader()];
  const rows: Row[] = [];
  const ends: { at: number; rows: number }[] = [];
  let at = parts[0]!.length;
  const push = (record: Uint8Array): void => {
    parts.push(record);
    at += record.length;
    ends.push({ at, rows: rows.length });
  };
  sets.forEach((set, id) => {
    push(setRecord(id, set.names));
    set.rows.forEach((value, i) => {
      const values = set.names.map((_, k) => value + k);
      rows.push({ time: 1e12 + i, step: i, values: Object.fromEntries(set.names.map((name, k) => [name, values[k]!])) });
      push(rowRecord(id, 1e12 + i, i, values));
    });
  });
  return { bytes: Buffer.concat(parts), rows, ends };
}

describe("MetricFileReader", () => {
  it("reads whole records and nothing else, cut at any byte", async () => {
    await fc.assert(
      fc.asyncProperty(content, fc.array(fc.nat(), { maxLength: 8 }), async (sets, cuts) => {
        const { bytes, rows, ends } = encode(sets);
        const collector = new Collector(file);
        await rm(file, { force: true });
        const stops = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)).concat(bytes.length))].sort((a, b) => a - b);
        let written = 0;
        for (const stop of stops) {
          await appendFile(file, bytes.subarray(written, stop));
          written = stop;
          await collector.reader.read();
          const whole = ends.findLast((end) => end.at <= stop);
          expect(collector.rows).toEqual(rows.slice(0, whole?.rows ?? 0));
          expect(collector.reader.offset).toBe(whole?.at ?? (stop >= 16 ? 16 : 0));
        }
        expect(collector.reader.damage).toBeNull();
      }),
      { numRuns: 150 },
    );
  });

  it("waits at zeros and goes on when data takes their place", async () => {
    const { bytes, rows } = encode([{ names: ["a", "b"], rows: [1, 2, 3] }]);
    const collector = new Collector(file);
    await writeFile(file, Buffer.concat([bytes.subarray(0, bytes.length - 40), Buffer.alloc(4096)]));
    await collector.reader.read();
    expect(collector.rows).toEqual(rows.slice(0, 2));
    expect(collector.reader.damage).toBeNull();
    await writeFile(file, Buffer.concat([bytes, Buffer.alloc(8192)]));
    await collector.reader.read();
    expect(collector.rows).toEqual(rows);
  });

  it("passes over damage to the next record, says where it was, and never loses what came before", async () => {
    const length = fc.integer({ min: 1, max: 40 }).map((n) => n * 8);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 20 }), length, fc.boolean(), async (before, size, zeros) => {
        const head = encode([{ names: ["a"], rows: Array.from({ length: before }, (_, i) => i) }]);
        const junk = Buffer.alloc(size, zeros ? 0 : 0xee);
        const tail = Buffer.concat([1, 2, 3].map((i) => rowRecord(0, 5, i, [i])));
        await writeFile(file, Buffer.concat([head.bytes, junk, tail]));
        const collector = new Collector(file);
        await collector.reader.read();
        expect(collector.rows.slice(0, before)).toEqual(head.rows);
        expect(collector.rows.slice(before).map((row) => row.step)).toEqual([1, 2, 3]);
        expect(collector.reader.damage).toContain(`byte ${String(head.bytes.length)} on: ${String(size)} bytes`);
      }),
      { numRuns: 60 },
    );
  });

  it("finds its way through damage larger than its buffer", async () => {
    const head = encode([{ names: ["a"], rows: [1] }]);
    await writeFile(file, Buffer.concat([head.bytes, Buffer.alloc(3 * 1024 * 1024, 0xab), rowRecord(0, 5, 9, [9])]));
    const collector = new Collector(file);
    await collector.reader.read();
    expect(collector.rows.map((row) => row.step)).toEqual([0, 9]);
  });

  it("reports rows of an unknown set, a foreign file and a newer version", async () => {
    await writeFile(file, Buffer.concat([fileHeader(), rowRecord(7, 1, 1, [1])]));
    const unknown = new Collector(file);
    await unknown.reader.read();
    expect(unknown.rows).toEqual([]);
    expect(unknown.reader.damage).toContain("byte 16");
    for (const [bytes, word] of [
      [Buffer.from("PK\u0003\u0004 something else entirely"), "not a metric file"],
      [Buffer.concat([Buffer.from("TYMETRIC"), Buffer.from([2, 0, 0, 0, 0, 0, 0, 0])]), "newer"],
    ] as const) {
      await writeFile(file, bytes);
      const collector = new Collector(file);
      expect(await collector.reader.read()).toBe(false);
      expect(collector.reader.damage).toContain(word);
    }
  });

  it("reads a row of many metrics, larger than its buffer", async () => {
    const many = Array.from({ length: 200_000 }, (_, i) => `metric/${String(i)}`);
    const values = many.map((_, i) => i);
    await writeFile(file, Buffer.concat([fileHeader(), setRecord(0, many), rowRecord(0, 1, 1, values), rowRecord(0, 2, 2, values)]));
    const collector = new Collector(file);
    await collector.reader.read();
    expect(collector.rows).toHaveLength(2);
    expect(collector.rows[1]?.values["metric/199999"]).toBe(199_999);
  });

  it("starts over when the file is cut or replaced", async () => {
    const { bytes } = encode([{ names: ["a"], rows: [1, 2, 3] }]);
    await writeFile(file, bytes);
    const collector = new Collector(file);
    await collector.reader.read();
    await truncate(file, bytes.length - 32);
    await collector.reader.read();
    expect(collector.restarts).toBe(1);
    expect(collector.rows).toHaveLength(2);
  });
});

describe("MetricFileWriter", () => {
  it("continues a torn file after its last whole record, with the sets that are there", async () => {
    const first = await MetricFileWriter.open(file);
    await Promise.all([first.append(1, 1, { a: 1, b: NaN }), first.append(2, 2, { a: 2, b: Infinity }), first.append(3, 3, { c: -0 })]);
    await first.close();
    const whole = (await readFile(file)).length;
    await appendFile(file, Buffer.from([1, 2, 3]));
    const second = await MetricFileWriter.open(file);
    await second.append(4, 4, { a: 4, b: 4 });
    await second.append(5, 5, { "ü/✓": 5 });
    await second.close();
    const collector = new Collector(file);
    await collector.reader.read();
    expect(collector.reader.damage).toBeNull();
    expect(collector.rows.map((row) => row.values)).toEqual([
      { a: 1, b: NaN },
      { a: 2, b: Infinity },
      { c: -0 },
      { a: 4, b: 4 },
      { "ü/✓": 5 },
    ]);
    expect((await readFile(file)).subarray(0, whole).length).toBe(whole);
    expect(collector.reader.sets).toHaveLength(3);
  });

  it("leaves a file alone that is not its own", async () => {
    await writeFile(file, "a text that somebody needs");
    await expect(MetricFileWriter.open(file)).rejects.toMatchObject({ code: "corrupt_record" });
    expect(await readFile(file, "utf8")).toBe("a text that somebody needs");
  });
});
