import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LogQuery, type LogPage } from "../../protocol/queries.ts";
import { LogReader } from "../../server/store/log-reader.ts";
import { guessLevel, renderLine } from "../../server/store/log-text.ts";
import { runPaths } from "../../server/store/paths.ts";
import type { AttemptPaths } from "../../server/store/types.ts";

let dir: string;
let paths: AttemptPaths;
let reader: LogReader;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "trainyard-log-"));
  paths = { ...runPaths(dir).attempt(1), log: path.join(dir, "log"), logIndex: path.join(dir, "log.idx") };
  reader = new LogReader();
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function page(query: Record<string, unknown> = {}): Promise<LogPage> {
  return reader.page(paths, 1, LogQuery.parse(query));
}
const texts = async (query: Record<string, unknown> = {}): Promise<string[]> => (await page(query)).lines.map((line) => line.text);

describe("renderLine", () => {
  it.each([
    ["plain", "plain"],
    ["windows\r", "windows"],
    [" 10%|#   | 1/10\r 50%|###  | 5/10\r100%|####| 10/10", "100%|####| 10/10"],
    ["long state\rshort", "shortstate"],
    ["long state\r\u001b[Kshort", "short"],
    ["long state\u001b[2K\rshort", "short"],
    ["\u001b[31mred\u001b[0m done", "\u001b[31mred\u001b[0m done"],
    ["abc\b\bX", "aXc"],
    ["a\u0000b\u0007c\td", "abc\td"],
    ["\r\r\r", ""],
    ["é\rü", "ü"],
    ["😀😀\rx", "x😀"],
  ])("%j is shown as %j", (line, shown) => {
    expect(renderLine(line).text).toBe(shown);
  });

  it("is what a terminal of plain characters shows", () => {
    const piece = fc.stringMatching(/^[a-z ]{0,8}$/);
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), (pieces) => {
        let screen = "";
        for (const text of pieces) screen = text + screen.slice(text.length);
        expect(renderLine(pieces.join("\r"))).toEqual({ text: screen, truncated: false });
      }),
    );
  });

  it("cuts at 10,000 characters and never through one", () => {
    expect(renderLine("x".repeat(10_000))).toEqual({ text: "x".repeat(10_000), truncated: false });
    expect(renderLine("x".repeat(10_001))).toEqual({ text: "x".repeat(10_000), truncated: true });
    expect(renderLine("x".repeat(9_999) + "😀")).toEqual({ text: "x".repeat(9_999), truncated: true });
  });
});

describe("guessLevel", () => {
  it.each([
    ["2026-01-01 12:00:00 - INFO - trainer - no ERROR so far", "info"],
    ["[WARNING] low memory", "warning"],
    ["/lib/x.py:3: UserWarning: odd", "warning"],
    ["\u001b[31mERROR\u001b[0m it broke", "error"],
    ["Traceback (most recent call last):", "error"],
    ["ValueError: bad", "error"],
    ["torch.cuda.OutOfMemoryError: CUDA out of memory", "error"],
    ["KeyboardInterrupt", "error"],
    ["DEBUG:root:x", "debug"],
    ["the error is 0.3, information follows", null],
    ["{'loss': 0.1}", null],
  ])("%j is %j", (text, level) => {
    expect(guessLevel(text)).toBe(level);
  });
});

describe("pages", () => {
  it("agree with splitting the whole text, however it grew", async () => {
    const part = fc.oneof(fc.string({ unit: "grapheme", maxLength: 12 }), fc.constantFrom("\n", "\n\n", "\r\n", "x\n", "\n".repeat(300)));
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 20 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 4 }),
        async (parts, size, number) => {
          reader = new LogReader();
          await writeFile(paths.log, "");
          let text = "";
          for (const piece of parts) {
            await appendFile(paths.log, piece);
            text += piece;
            const lines = text.split("\n");
            if (lines.at(-1) === "") lines.pop();
            const got = await page({ page: number, page_size: size });
            expect(got.total).toBe(lines.length);
            const expected = lines.slice((number - 1) * size, number * size);
            expect(got.lines.map((line) => line.text)).toEqual(expected.map((line) => renderLine(Buffer.from(line).toString()).text));
            for (const line of got.lines) {
              const before = lines.slice(0, line.number).map((other) => other + "\n");
              expect(line.offset).toBe(Buffer.byteLength(before.join("")));
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("know the time of each line from log.idx, start inclusive and end exclusive", async () => {
    await writeFile(paths.log, "a\nb\nc\nd\ne\n");
    await writeFile(paths.logIndex, "4 1000\n6 2000\n8 3000\n10 4");
    await appendFile(paths.logIndex, "000\n11 9");
    const { lines } = await page();
    expect(lines.map((line) => line.time)).toEqual([1000, 1000, 2000, 3000, 4000]);
    expect(await texts({ start_time: "2000", end_time: "4000" })).toEqual(["c", "d"]);
    expect(await texts({ start_time: "2001" })).toEqual(["d", "e"]);
    expect(await texts({ end_time: "1970-01-01T00:00:02.000Z" })).toEqual(["a", "b"]);
    expect(await texts({ start_time: "99999999999999" })).toEqual([]);
    expect(await page({ start_time: "1000", page: 2, page_size: 2 })).toMatchObject({ total: 5, lines: [{ text: "c" }, { text: "d" }] });
    expect((await page({ start_time: "2000", end_time: "4000", level: "error" })).stretch).toEqual({ start: 4, end: 8 });
    expect((await page({ start_time: "99999999999999" })).stretch).toEqual({ start: 10, end: 10 });
    expect((await page()).stretch).toEqual({ start: 0, end: 10 });
    await expect(page({ start_time: "yesterday" })).rejects.toMatchObject({ code: "bad_request" });
  });

  it("have no times, and nothing in a time range, without log.idx", async () => {
    await writeFile(paths.log, "a\nb\n");
    expect((await page()).lines.map((line) => line.time)).toEqual([null, null]);
    expect(await page({ start_time: "0" })).toMatchObject({ total: 0, lines: [] });
  });

  it("are filtered by level and text, and find what is added later", async () => {
    await writeFile(paths.log, "INFO Start\nWARNING slow\nERROR Grün\nopen");
    expect(await texts({ level: "error" })).toEqual(["ERROR Grün"]);
    expect(await texts({ search: "START" })).toEqual(["INFO Start"]);
    expect(await texts({ search: "grün" })).toEqual(["ERROR Grün"]);
    expect(await texts({ search: "open" })).toEqual(["open"]);
    await appendFile(paths.log, "ed\nERROR two\n");
    expect(await texts({ search: "open" })).toEqual(["opened"]);
    expect(await page({ level: "error", page: 2, page_size: 1 })).toMatchObject({ total: 2, lines: [{ number: 4, text: "ERROR two" }] });
  });

  it("are empty without a log, and start over when the log is replaced", async () => {
    const stretch = { start: 0, end: 0 };
    expect(await page()).toEqual({ lines: [], page: 1, page_size: 100, total: 0, attempt: 1, stretch, whole_bytes: 0 });
    await writeFile(paths.log, "one\ntwo\nthree");
    expect(await page()).toMatchObject({ total: 3, whole_bytes: 8 });
    await writeFile(paths.log, "new\n");
    expect(await texts()).toEqual(["new"]);
  });

  it("show bytes that are no UTF-8, and NUL, without losing the lines around them", async () => {
    await writeFile(paths.log, Buffer.concat([Buffer.from("a\n"), Buffer.from([0xff, 0xfe, 0x00, 0x41, 0x0a]), Buffer.from("z\n")]));
    expect(await texts()).toEqual(["a", "\ufffd\ufffdA", "z"]);
  });

  it("hold lines of 100 MB and progress bars of any length without reading them whole", async () => {
    const block = "x".repeat(1024 * 1024);
    await writeFile(paths.log, "first\n");
    for (let i = 0; i < 100; i++) await appendFile(paths.log, block);
    await appendFile(paths.log, "\n");
    for (let i = 0; i < 30; i++)
      await appendFile(paths.log, Array.from({ length: 1000 }, (_, k) => `\rstep ${String(i * 1000 + k)}`.padEnd(40)).join(""));
    await appendFile(paths.log, "\nlast\n");
    const before = process.memoryUsage().arrayBuffers;
    const { lines, total } = await page();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
    expect(total).toBe(4);
    expect(lines[1]).toMatchObject({ text: "x".repeat(10_000), truncated: true });
    expect(lines[2]?.text.trim()).toBe("step 29999");
    expect(lines[3]?.text).toBe("last");
  });
});

describe("raw reading", () => {
  it("gives the bytes of a range and nothing beyond the end", async () => {
    await writeFile(paths.log, "0123456789");
    const got = await reader.bytes(paths.log, 4, 3);
    expect([Buffer.from(got.bytes).toString(), got.size]).toEqual(["456", 10]);
    expect((await reader.bytes(paths.log, 8, 99)).bytes).toHaveLength(2);
    expect((await reader.bytes(paths.log, 50, 9)).bytes).toHaveLength(0);
    expect(await reader.bytes(path.join(dir, "none"), 0, 9)).toMatchObject({ size: 0 });
  });

  it("follows a growing text without gap, overlap or split characters, torn at any byte", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "grapheme", maxLength: 40 }),
        fc.array(fc.nat({ max: 200 }), { maxLength: 6 }),
        async (text, cuts) => {
          const bytes = Buffer.from(text);
          const stops = [...new Set(cuts.map((cut) => Math.min(cut, bytes.length)).concat(bytes.length))].sort((a, b) => a - b);
          await writeFile(paths.log, "");
          let offset = 0;
          let shown = "";
          let written = 0;
          for (const stop of stops) {
            await appendFile(paths.log, bytes.subarray(written, stop));
            written = stop;
            const next = await reader.text(paths.log, offset, 1000);
            expect(next).toMatchObject({ offset, skippedBytes: 0 });
            shown += next.text;
            offset = next.nextOffset;
          }
          expect(shown).toBe(bytes.toString());
          expect(offset).toBe(bytes.length);
        },
      ),
      { numRuns: 80 },
    );
  });

  it("passes over a backlog to its newest lines and says how much", async () => {
    await writeFile(paths.log, "a".repeat(100) + "\nbb\ncc\n");
    expect(await reader.text(paths.log, 0, 10)).toEqual({ offset: 101, nextOffset: 107, text: "bb\ncc\n", skippedBytes: 101 });
  });
});
