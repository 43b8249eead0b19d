import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { FileWatcher } from "../../server/store/file-watch.ts";
import { appendJsonl, JsonlTail, readJsonl } from "../../server/store/jsonl.ts";

const Shape = z.object({ text: z.string(), n: z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity"])]) });

let dir: string;
let file: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "trainyard-jsonl-"));
  file = path.join(dir, "report.jsonl");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("JsonlTail", () => {
  it("gives each record once, when its line is whole, at every byte", async () => {
    const records = [
      { text: "é😀\n\u2028", n: 1 },
      { text: "", n: -0.5 },
      { text: "x".repeat(50), n: 3 },
    ];
    const bytes = Buffer.from(records.map((record) => JSON.stringify(record) + "\n").join(""));
    const tail = new JsonlTail(file, Shape);
    expect(await tail.read()).toEqual([]);
    const seen: unknown[] = [];
    for (let i = 0; i < bytes.length; i++) {
      await appendFile(file, bytes.subarray(i, i + 1));
      seen.push(...(await tail.read()));
      const whole = bytes.subarray(0, i + 1).filter((byte) => byte === 0x0a).length;
      expect(seen).toHaveLength(whole);
      expect(tail.offset).toBe(bytes.lastIndexOf(0x0a, i) + 1);
    }
    expect(seen).toEqual(records);
  });

  it("reads the same in any pieces, junk lines left out and counted", async () => {
    const line = fc.oneof(
      fc
        .record({ text: fc.string({ unit: "grapheme" }), n: fc.double({ noNaN: true, noDefaultInfinity: true }) })
        .map((r) => JSON.stringify(r)),
      fc.constantFrom("{", "null", "[1]", '{"text":1,"n":1}', "\u0000\u0000", ""),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 12 }), fc.array(fc.nat({ max: 400 }), { maxLength: 6 }), async (lines, cuts) => {
        const bytes = Buffer.from(lines.map((l) => l + "\n").join(""));
        await writeFile(file, "");
        const tail = new JsonlTail(file, Shape);
        const seen: unknown[] = [];
        const stops = [...new Set(cuts.map((cut) => Math.min(cut, bytes.length)).concat(bytes.length))].sort((a, b) => a - b);
        let written = 0;
        for (const stop of stops) {
          await appendFile(file, bytes.subarray(written, stop));
          written = stop;
          seen.push(...(await tail.read()));
        }
        const good = lines.filter((l) => l.startsWith('{"text":"') || l.startsWith('{"n"'));
        expect(seen).toEqual(good.map((l) => Shape.parse(JSON.parse(l))));
        expect(tail.badLines).toBe(lines.length - good.length - lines.filter((l) => l === "").length);
      }),
      { numRuns: 80 },
    );
  });

  it("understands the bare NaN that Python writes, and leaves the word alone inside of texts", async () => {
    await writeFile(file, '{"text": "NaN, \\"-Infinity", "n": NaN}\n{"text": "b", "n": -Infinity}\n');
    expect(await readJsonl(file, Shape)).toEqual([
      { text: 'NaN, "-Infinity', n: "NaN" },
      { text: "b", n: "-Infinity" },
    ]);
  });

  it("starts over when the file shrank, and passes over a line of any size", async () => {
    const tail = new JsonlTail(file, Shape);
    await appendJsonl(file, { text: "long enough", n: 1 });
    await tail.read();
    await writeFile(file, '{"text":"a","n":2}\n');
    expect(await tail.read()).toEqual([{ text: "a", n: 2 }]);
    await appendFile(file, "y".repeat(20 * 1024 * 1024) + "\n");
    await appendJsonl(file, { text: "after", n: 3 });
    expect(await tail.read()).toEqual([{ text: "after", n: 3 }]);
    expect(tail.badLines).toBe(1);
  });
});

describe("FileWatcher", () => {
  it.each([
    ["a folder that is there", ""],
    ["a folder that is made later", "later"],
  ])("tells of growth in %s", async (_, folder) => {
    const target = path.join(dir, folder, "log");
    const calls: string[] = [];
    const watcher = new FileWatcher((files) => void calls.push(...files), { pollMs: 50 });
    watcher.add(target);
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(calls).toEqual([]);
    const { mkdir } = await import("node:fs/promises");
    await mkdir(path.dirname(target), { recursive: true });
    await appendFile(target, "a");
    await expect.poll(() => calls.length, { timeout: 3000 }).toBe(1);
    await appendFile(target, "b");
    await expect.poll(() => calls.length, { timeout: 3000 }).toBe(2);
    watcher.close();
    await appendFile(target, "c");
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(calls).toEqual([target, target]);
  });
});
