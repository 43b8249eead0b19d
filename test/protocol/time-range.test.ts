import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTimeRange, type OutputTimes } from "../../protocol/time-range.ts";

const at = (day: number, hours: number, minutes: number, seconds = 0): number => new Date(2026, 10, day, hours, minutes, seconds).getTime();
/** A run that wrote from 9:50 to 10:45:10 on November 21 and is over; it is noon. */
const OVER: OutputTimes = { now: at(21, 12, 0), first: at(21, 9, 50), last: at(21, 10, 45, 10) };
const LIVE: OutputTimes = { now: at(21, 10, 12, 30), first: at(21, 9, 50), last: null };
/** Through a midnight. */
const NIGHT: OutputTimes = { now: at(21, 12, 0), first: at(20, 21, 0), last: at(21, 3, 0) };

describe("a range of time", () => {
  it.each<[string, OutputTimes, number | null, number | null]>([
    ["last 10 min", OVER, at(21, 10, 35, 10), null],
    ["last 10 min", LIVE, at(21, 10, 2, 30), null],
    ["Last hour", LIVE, at(21, 9, 12, 30), null],
    ["90s", LIVE, at(21, 10, 11, 0), null],
    ["1.5 h", LIVE, at(21, 8, 42, 30), null],
    ["first 5 minutes", OVER, null, at(21, 9, 55)],
    ["10:00–10:15", OVER, at(21, 10, 0), at(21, 10, 15)],
    ["10:00-10:15", OVER, at(21, 10, 0), at(21, 10, 15)],
    ["10:00:05 to 10:15:30", OVER, at(21, 10, 0, 5), at(21, 10, 15, 30)],
    ["from 10:00 until 10:15", OVER, at(21, 10, 0), at(21, 10, 15)],
    [" 10:00 .. 10:15 ", LIVE, at(21, 10, 0), at(21, 10, 15)],
    ["23:00–1:00", NIGHT, at(20, 23, 0), at(21, 1, 0)],
    ["22:30", NIGHT, at(20, 22, 30), null],
    ["since 10:00", OVER, at(21, 10, 0), null],
    ["10:00 –", OVER, at(21, 10, 0), null],
    ["until 10:15", OVER, null, at(21, 10, 15)],
    ["–10:15", OVER, null, at(21, 10, 15)],
    ["2026-11-20 22:00–2026-11-21 01:00", NIGHT, at(20, 22, 0), at(21, 1, 0)],
    ["2026-11-20 22:00-23:00", NIGHT, at(20, 22, 0), at(20, 23, 0)],
    ["2026-11-20 - 2026-11-21", NIGHT, at(20, 0, 0), at(21, 0, 0)],
    ["2026-11-20T22:00:00Z–2026-11-20T23:00:00-01:00", NIGHT, Date.UTC(2026, 10, 20, 22), Date.UTC(2026, 10, 21, 0)],
    ["5 min ago – now", LIVE, at(21, 10, 7, 30), at(21, 10, 12, 30)],
    ["last 99999999999999 d", LIVE, 0, null],
  ])("%s", (text, times, start, end) => {
    expect(parseTimeRange(text, times)).toEqual({ start, end });
  });

  it.each<[string, string]>([
    ["", "No time was given"],
    ["soon", "“soon” is not a range of time"],
    ["10", "“10” is not a range of time"],
    ["hour", "“hour” is not a range of time"],
    ["25:00–26:00", "“25:00–26:00” is not a range of time"],
    ["2026-02-30", "“2026-02-30” is not a range of time"],
    ["–", "“–” is not a range of time"],
    ["last 0 min", "A range of no length holds no line"],
    ["10:00–10:00", "The end is not after the start, so that no line lies between them"],
    ["2026-11-21 10:00–2026-11-20 10:00", "The end is not after the start, so that no line lies between them"],
  ])("%j is refused with a sentence", (text, message) => {
    expect(() => parseTimeRange(text, OVER)).toThrow(expect.objectContaining({ code: "bad_request", message }));
  });

  it("of the first minutes needs to know when the output began", () => {
    expect(() => parseTimeRange("first 5 min", { ...OVER, first: null })).toThrow(/Nothing says/);
  });

  it("is a range or a refusal, whatever is written", () => {
    const piece = fc.constantFrom(
      "last",
      "first",
      "10",
      ":",
      "-",
      "–",
      " ",
      "10:00",
      "2026-11-20",
      "min",
      "ago",
      "to",
      "z",
      "t",
      "9".repeat(20),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        let range;
        try {
          range = parseTimeRange(pieces.join(""), LIVE);
        } catch (error) {
          expect(error).toMatchObject({ code: "bad_request" });
          return;
        }
        for (const time of [range.start, range.end]) if (time !== null) new Date(time).toISOString();
        expect((range.end ?? Infinity) > (range.start ?? 0)).toBe(true);
      }),
    );
  });
});
