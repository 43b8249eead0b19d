/** The table's columns: which there are, how they read, how they are sorted. */
import { describe, expect, it } from "vitest";
import type { RunSummary } from "../../protocol/run.ts";
import { formatSigned } from "../../webviews/components/format.ts";
import {
  cellText,
  columnTitle,
  defaultColumns,
  isSortable,
  knownColumns,
  nextSort,
  parseTags,
  secondsOf,
  sortOf,
} from "../../webviews/explore/columns.ts";

const metric = { last: 0.5, last_step: 9, min: 0.1, min_step: 1, max: 1, max_step: 2, count: 9, first: 1 };

function run(part: Partial<RunSummary>): RunSummary {
  const base: Partial<RunSummary> = { name: "run", project: "p", tags: [], params: {}, metrics: {}, seed: null, progress: null };
  return { ...base, created_at: "2026-01-01T00:00:00.000Z", started_at: null, ended_at: null, ...part } as RunSummary;
}

describe("columns", () => {
  const runs = [
    run({ params: { lr: 1e-4, lora: { r: 16 }, same: 1 }, metrics: { loss: metric, _epoch: metric } }),
    run({ params: { lr: 2e-4, lora: { r: 16 }, same: 1 }, metrics: { "eval/loss": { ...metric, last: "NaN" } } }),
  ];

  it("come from the params and metrics that the runs have", () => {
    const { params, metrics } = knownColumns(runs);
    expect(params).toEqual(["params.lora.r", "params.lr", "params.same"]);
    expect(metrics).toEqual(["metrics.loss", "metrics.eval/loss"]);
  });

  it("start with the params that differ and the headline metrics", () => {
    expect(defaultColumns(runs)).toEqual(["tags", "params.lr", "metrics.loss", "metrics.eval/loss", "duration", "created_at"]);
  });

  it("starts with the params that people vary, not with those that come first in the alphabet", () => {
    const runs = [
      run({ params: { accelerator_config: { split: true }, adam_beta1: 0.9, learning_rate: 1e-3, weight_decay: 0, command: ["a"] } }),
      run({ params: { adam_beta1: 0.8, learning_rate: 1e-4, weight_decay: 0.1, command: ["b"] } }),
      run({ params: { command: ["c"], learning_rate: 1e-4 } }),
    ];
    expect(defaultColumns(runs).filter((key) => key.startsWith("params."))).toEqual([
      "params.learning_rate",
      "params.adam_beta1",
      "params.weight_decay",
      "params.accelerator_config.split",
    ]);
  });

  it("read as people write them, and as a dash where there is nothing", () => {
    const [first, second] = runs as [RunSummary, RunSummary];
    expect(["params.lr", "params.lora.r", "metrics.loss", "metrics.eval/loss", "seed"].map((key) => cellText(first, key, 0))).toEqual([
      "1e-4",
      "16",
      "0.5000",
      "–",
      "–",
    ]);
    expect(cellText(second, "metrics.eval/loss", 0)).toBe("NaN");
    expect(columnTitle("params.lora.r")).toBe("lora.r");
  });

  it("sort both ways, times downwards first; what the server cannot sort by is not offered", () => {
    expect([nextSort("name", "params.lr"), nextSort("params.lr", "params.lr"), nextSort("-params.lr", "params.lr")]).toEqual([
      "params.lr",
      "-params.lr",
      "params.lr",
    ]);
    expect([nextSort("name", "created_at"), nextSort("-created_at", "created_at")]).toEqual(["-created_at", "created_at"]);
    expect([sortOf("-x", "x"), sortOf("x", "x"), sortOf("y", "x")]).toEqual(["descending", "ascending", "none"]);
    expect(["tags", "duration", "step"].map(isSortable)).toEqual([false, false, false]);
  });

  it("measure a run until it ended, or until now", () => {
    const started_at = "2026-01-01T00:00:00.000Z";
    const now = Date.parse("2026-01-01T01:00:00.000Z");
    expect(secondsOf(run({ started_at }), now)).toBe(3600);
    expect(secondsOf(run({ started_at, ended_at: "2026-01-01T00:01:00.000Z" }), now)).toBe(60);
    expect(secondsOf(run({}), now)).toBeNull();
  });
});

describe("tags and signs", () => {
  it("takes tags as they are typed", () => {
    expect(parseTags(" a, b ,,a, c d ")).toEqual(["a", "b", "c d"]);
  });

  it("writes differences to the digits of their value", () => {
    expect([formatSigned(0.00591, 0.9641), formatSigned(-0.0155, 0.9427), formatSigned(-1e-6, 0.94), formatSigned(3, 40)]).toEqual([
      "+0.0059",
      "−0.0155",
      "0.0000",
      "+3",
    ]);
  });
});
