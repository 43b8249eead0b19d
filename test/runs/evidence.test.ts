/** What was measured takes the place of a formula, and stands in where there is none. */
import { expect, test } from "vitest";
import type { RunEstimate } from "../../protocol/estimate.ts";
import { corrected, type Evidence } from "../../server/runs/evidence.ts";

const OPEN: RunEstimate = {
  train_rows: null,
  eval_rows: null,
  effective_batch: null,
  devices: 1,
  steps: 200,
  total_parameters: null,
  trainable_parameters: null,
  memory: [],
  disk: null,
  time: null,
};
const MEASURED: Evidence = {
  basis: "earlier runs",
  sentence: "measured by first",
  peakRssBytes: 1000,
  peakGpuBytes: null,
  secondsPerStep: 0.5,
};

test("of a module that no formula knows, the memory is what an earlier run took", () => {
  const { memory, time } = corrected(OPEN, MEASURED);
  expect(memory).toHaveLength(1);
  expect(memory[0]).toMatchObject({ kind: "cpu", low_bytes: 950, likely_bytes: 1000, high_bytes: 1150, parts: [], basis: "earlier runs" });
  expect(time).toMatchObject({ likely_seconds: 100, basis: "earlier runs" });
  expect(corrected(OPEN, { ...MEASURED, peakGpuBytes: 40 }).memory.map(({ kind, likely_bytes: likely }) => [kind, likely])).toEqual([
    ["gpu", 40],
    ["cpu", 1000],
  ]);
  expect(corrected(OPEN, { ...MEASURED, peakRssBytes: null }).memory).toEqual([]);
});
