import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bar, formatBytes, formatDuration, formatMemory, formatPercent, formatValue, isolated, sparkline } from "../../src/runs/format.ts";

describe("sparkline", () => {
  it("rises with the values", () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe("▁▂▃▄▅▆▇█");
  });

  it("is empty until there is a shape to see", () => {
    expect(sparkline([])).toBe("");
    expect(sparkline([1])).toBe("");
    expect(sparkline([NaN, 1])).toBe("");
  });

  it("leaves a gap where a value is no number", () => {
    expect(sparkline([0, NaN, 7])).toBe("▁ █");
  });

  it("never grows beyond its width, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(fc.double()), fc.integer({ min: 2, max: 20 }), (values, width) => {
        const line = sparkline(values, width);
        expect(line.length).toBeLessThanOrEqual(width);
        expect(line).toMatch(/^[▁▂▃▄▅▆▇█ ]*$/);
      }),
    );
  });
});

describe("values", () => {
  it.each([
    [0.86912, "0.8691"],
    [1e-4, "1.00e\u22124"],
    [0, "0"],
    [-2.5, "\u22122.5"],
    [1642, "1642"],
    [2.5e7, "2.50e7"],
    [0.95, "0.95"],
    ["NaN", "NaN"],
    ["-Infinity", "\u2212∞"],
  ] as const)("%s is written %s", (value, text) => {
    expect(formatValue(value)).toBe(text);
  });

  it("reaches 100 % only at the end", () => {
    expect(formatPercent(0.9999)).toBe("99%");
    expect(formatPercent(1)).toBe("100%");
  });

  it("names the two largest units of a time", () => {
    expect(formatDuration(1675)).toBe("27 min 55 s");
    expect(formatDuration(3900)).toBe("1 h 05 min");
    expect(formatDuration(4)).toBe("4 s");
    expect(formatDuration(90_000)).toBe("1 d 01 h");
  });

  it("shows unknown as a dash, not as nothing used", () => {
    expect(bar(null)).toBe("–");
    expect(bar(0, 4)).toBe("▱▱▱▱");
    expect(bar(0.5, 4)).toBe("▰▰▱▱");
    expect(formatMemory(null, null)).toBe("–/– GB");
    expect(formatMemory(17.9 * 2 ** 30, 24 * 2 ** 30)).toBe("17.9/24 GB");
    expect(formatBytes(209 * 1024 * 1024)).toBe("209 MB");
  });
});

it("sets a name apart that is written from right to left, and no other", () => {
  expect(["seed 13", "実験", "ניסוי 2", "v2 تدريب"].map(isolated)).toEqual([
    "seed 13",
    "実験",
    "\u2068ניסוי 2\u2069",
    "\u2068v2 تدريب\u2069",
  ]);
});
