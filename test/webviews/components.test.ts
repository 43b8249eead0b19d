import { describe, expect, it } from "vitest";
import mapping from "@vscode/codicons/src/template/mapping.json" with { type: "json" };
import { formatBytes, formatDuration, formatInteger, formatPercent, formatValue, UNKNOWN } from "../../webviews/components/format.ts";
import { CODICONS } from "../../webviews/components/icons.ts";
import { filterMetrics, isExact, orderMetrics } from "../../webviews/dashboard/metrics.ts";

describe("formats", () => {
  it("shows four digits, a true minus, and an en dash for the unknown", () => {
    expect([0.869, 7412.4, 4.78e-5, -0.0155, 0, 1642].map(formatValue)).toEqual([
      "0.8690",
      "7,412",
      "4.78e\u22125",
      "\u22120.01550",
      "0",
      "1,642",
    ]);
    expect([Number.NaN, Infinity, -Infinity, null].map(formatValue)).toEqual(["NaN", "∞", "\u2212∞", UNKNOWN]);
    expect(formatInteger(-1234567)).toBe("\u22121,234,567");
    expect(formatPercent(0.684)).toBe("68.4 %");
    expect(formatPercent(null)).toBe(UNKNOWN);
  });

  it("says times in two units", () => {
    expect([5, 1675, 3900, 100_000, null].map(formatDuration)).toEqual(["5 s", "27 min 55 s", "1 h 05 min", "1 d 3 h", UNKNOWN]);
  });

  it("counts bytes as graphics cards are named: a GB is 1024 MB", () => {
    expect([0, 999, 1010, 209_000_000, 24 * 2 ** 30, 1.5 * 2 ** 40, null].map((bytes) => formatBytes(bytes))).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "199 MB",
      "24.0 GB",
      "1.5 TB",
      UNKNOWN,
    ]);
  });
});

describe("metrics of a dashboard", () => {
  it("puts losses first, then scores, and leaves out the SDK's own", () => {
    expect(orderMetrics(["grad_norm", "epoch", "_epoch", "custom", "eval/loss", "learning_rate", "eval/accuracy", "train/loss"])).toEqual([
      "train/loss",
      "eval/loss",
      "eval/accuracy",
      "learning_rate",
      "grad_norm",
      "custom",
    ]);
    expect(filterMetrics(["train/loss", "eval/loss"], "LOSS ev")).toEqual(["eval/loss"]);
    expect(["learning_rate", "lr", "eval/loss", "train/loss", "colour"].map(isExact)).toEqual([true, true, true, false, false]);
  });
});

it("every icon has the code point of its codicon", () => {
  const points = new Map<string, number>();
  for (const [point, names] of Object.entries(mapping)) for (const name of [names].flat()) points.set(name, Number(point));
  for (const [name, point] of Object.entries(CODICONS)) expect([name, point]).toEqual([name, points.get(name)]);
});
