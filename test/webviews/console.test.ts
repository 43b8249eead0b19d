import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AskLog } from "../../protocol/log-times.ts";
import type { LogPage } from "../../protocol/queries.ts";
import { formatBetween } from "../../webviews/components/format.ts";
import { parseAnsi, stripAnsi } from "../../webviews/console/ansi.ts";
import { findRange } from "../../webviews/console/log-range.ts";
import { lineLevel, MOST_LINES, parseProgressBar, TerminalLines } from "../../webviews/console/terminal-lines.ts";

function linesOf(...pieces: string[]): readonly string[] {
  const terminal = new TerminalLines();
  for (const piece of pieces) terminal.push(piece);
  return terminal.lines;
}

describe("terminal lines", () => {
  it("draws a progress bar in place", () => {
    expect(linesOf("start\n 10%|#", "\r 20%|##\r 30%|###", "\n", "done\n")).toEqual(["start", " 30%|###", "done"]);
  });

  it("takes CRLF as one line end, even cut in two", () => {
    expect(linesOf("a\r", "\nb\r\nc")).toEqual(["a", "b", "c"]);
  });

  it("keeps what a shorter text does not cover", () => {
    expect(linesOf("abcdef\rXY")).toEqual(["XYcdef"]);
    expect(linesOf("abcdef\r\u001b[KXY")).toEqual(["XY"]);
  });

  it("goes back up for nested bars", () => {
    expect(linesOf("outer 0\ninner 0\u001b[A\router 1\n\rinner 1")).toEqual(["outer 1", "inner 1"]);
  });

  it("gives the same lines however the text is cut", () => {
    const text = fc.array(fc.constantFrom("a", "bc", "\n", "\r", "\r\n", "long text"), { maxLength: 40 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, fc.array(fc.nat(60), { maxLength: 6 }), (whole, cuts) => {
        const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length];
        const pieces = at.slice(1).map((end, i) => whole.slice(at[i], end));
        expect(linesOf(...pieces)).toEqual(linesOf(whole));
      }),
    );
  });

  it("holds a bounded number of lines and counts the rest", () => {
    const terminal = new TerminalLines();
    terminal.push("x\n".repeat(MOST_LINES + 500));
    expect(terminal.length).toBeLessThanOrEqual(MOST_LINES);
    expect(terminal.dropped).toBeGreaterThanOrEqual(500);
  });

  it("reads tqdm's parts", () => {
    expect(parseProgressBar("Training:  68%|██████▊   | 1642/2400 [17:52<27:55, 2.21s/it]")).toEqual({
      label: "Training",
      percent: 68,
      rest: "1642/2400 [17:52<27:55, 2.21s/it]",
    });
    expect(parseProgressBar("68% of all")).toBeNull();
  });

  it("guesses levels", () => {
    expect(lineLevel("14:09 WARNING data: cut")).toBe("warning");
    expect(lineLevel("Traceback (most recent call last):")).toBe("error");
    expect(lineLevel("torch.OutOfMemoryError: CUDA")).toBe("info");
    expect(lineLevel("ValueError: no")).toBe("error");
    expect(lineLevel("loss 0.3")).toBe("info");
  });
});

describe("ANSI colours", () => {
  it("reads palette, 256 and true colours and resets", () => {
    const runs = parseAnsi("\u001b[1;32mok\u001b[0m plain \u001b[38;5;208morange\u001b[38;2;1;2;3mrgb\u001b[39mno");
    expect(runs.map(({ text, color, bold }) => [text, color, bold])).toEqual([
      ["ok", 2, true],
      [" plain ", null, false],
      ["orange", "#ff8700", false],
      ["rgb", "#010203", false],
      ["no", null, false],
    ]);
  });

  it("drops every other sequence, and no text with it", () => {
    expect(stripAnsi("\u001b]0;title\u0007a\u001b[2Kb\u001b[?25lc\u0007")).toBe("abc");
    fc.assert(
      fc.property(
        fc.string().filter((s) => !/\p{Cc}/u.test(s)),
        (text) => {
          expect(stripAnsi(`\u001b[31m${text}\u001b[0m`)).toBe(text);
        },
      ),
    );
  });
});

describe("a range of time", () => {
  const page: LogPage = { lines: [], page: 1, page_size: 1, total: 7, attempt: 1, stretch: { start: 20, end: 90 }, whole_bytes: 90 };
  const ask: AskLog = () => Promise.resolve(page);

  it("is a stretch of the log that stays as it is once the run or the time is over", async () => {
    const over = { stretch: { start: 20, end: 90, size: 90 }, total: 7, overIn: null };
    expect(await findRange(ask, { start: 1000, end: null }, false)).toEqual(over);
    expect(await findRange(ask, { start: 1000, end: 2000 }, true)).toEqual(over);
  });

  it("goes on while more may come, until its end", async () => {
    const open = { stretch: { start: 20, end: null, size: 90 }, total: null };
    expect(await findRange(ask, { start: 1000, end: null }, true)).toEqual({ ...open, overIn: null });
    const { overIn, ...rest } = await findRange(ask, { start: 1000, end: Date.now() + 60_000 }, true);
    expect(rest).toEqual(open);
    expect(overIn).toBeGreaterThan(60_000);
  });

  it("asks for the times as instants", async () => {
    const asked: unknown[] = [];
    await findRange((query) => (asked.push(query), ask(query)), { start: 0, end: 1500 }, false);
    expect(asked).toEqual([{ page_size: 1, start_time: "1970-01-01T00:00:00.000Z", end_time: "1970-01-01T00:00:01.500Z" }]);
  });

  it("is written with the days and seconds that say something", () => {
    const at = (day: number, hours: number, minutes: number, seconds = 0): number =>
      new Date(2026, 10, day, hours, minutes, seconds).getTime();
    const now = at(21, 12, 0);
    expect(formatBetween(at(21, 10, 0), at(21, 10, 15), now)).toBe("10:00–10:15");
    expect(formatBetween(at(20, 22, 0), at(21, 1, 0, 5), now)).toBe("20 Nov 22:00:00–21 Nov 01:00:05");
    expect(formatBetween(at(20, 22, 0), at(20, 23, 0), now)).toBe("20 Nov 22:00–23:00");
    expect(formatBetween(at(21, 10, 2, 30), null, now)).toBe("10:02:30 on");
    expect(formatBetween(null, at(20, 10, 15), now)).toBe("until 20 Nov 10:15");
  });
});
