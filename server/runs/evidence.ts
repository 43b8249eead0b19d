/** Forecasts corrected by what was measured: a probe of the very document, or an earlier run of the same settings on this machine. Pure. */
import { counted } from "../../protocol/counted.ts";
import type { MemoryEstimate, Probe, RunEstimate } from "../../protocol/estimate.ts";
import type { JsonObject } from "../../protocol/json.ts";

/** Params that change neither the memory of a step nor its speed. */
const IRRELEVANT: ReadonlySet<string> = new Set([
  "learning_rate",
  "lr_scheduler_type",
  "warmup_steps",
  "weight_decay",
  "max_grad_norm",
  "adam_beta1",
  "adam_beta2",
  "num_train_epochs",
  "max_steps",
  "max_epochs",
  "logging_steps",
  "log_every_n_steps",
  "eval_strategy",
  "eval_steps",
  "save_strategy",
  "save_steps",
  "save_total_limit",
  "load_best_model_at_end",
  "metric_for_best_model",
  "greater_is_better",
  "initializer_range",
]);

/** What was measured, and one sentence on where it comes from. */
export interface Evidence {
  readonly basis: "earlier runs" | "probe";
  readonly sentence: string;
  readonly peakRssBytes: number | null;
  readonly peakGpuBytes: number | null;
  readonly secondsPerStep: number | null;
}

/** Two documents of the same footprint need the same memory and take the same time for a step. */
export function footprint(recipe: string, params: JsonObject): string {
  const entries = Object.entries(params).filter(([name, value]) => !IRRELEVANT.has(name) && value !== null);
  return JSON.stringify([recipe, entries.sort(([a], [b]) => (a < b ? -1 : 1))]);
}

export function probeEvidence(probe: Probe): Evidence {
  return {
    basis: "probe",
    sentence: `${counted(probe.steps, "step")} of this document, measured at ${probe.measured_at}`,
    peakRssBytes: probe.peak_rss_bytes === 0 ? null : probe.peak_rss_bytes,
    peakGpuBytes: probe.peak_gpu_bytes,
    secondsPerStep: probe.seconds_per_step,
  };
}

/** A measurement says more than a formula: the range closes around it. */
export function corrected(estimate: RunEstimate, evidence: Evidence): RunEstimate {
  const { basis, sentence, secondsPerStep } = evidence;
  const memory = (estimate.memory.length > 0 ? estimate.memory : unforeseen(evidence)).map((one): MemoryEstimate => {
    const peak = one.kind === "gpu" ? evidence.peakGpuBytes : evidence.peakRssBytes;
    if (peak === null) return one;
    const around = { low_bytes: Math.round(0.95 * peak), likely_bytes: peak, high_bytes: Math.round(1.15 * peak) };
    return { ...one, ...around, basis, evidence: sentence };
  });
  if (secondsPerStep === null || estimate.steps === null) return { ...estimate, memory };
  const likely = secondsPerStep * estimate.steps;
  const range = { low_seconds: 0.85 * likely, likely_seconds: likely, high_seconds: 1.4 * likely };
  return { ...estimate, memory, time: { ...range, seconds_per_step: secondsPerStep, basis, evidence: sentence } };
}

/** The memory of what no formula tells, such as a module of the user's own: what was measured alone. */
function unforeseen({ basis, sentence, peakRssBytes, peakGpuBytes }: Evidence): MemoryEstimate[] {
  const open = { low_bytes: 0, likely_bytes: 0, high_bytes: 0, parts: [], free_bytes: null, total_bytes: null, basis, evidence: sentence };
  return [
    ...(peakGpuBytes === null ? [] : [{ ...open, kind: "gpu" as const, index: 0, name: "GPU" }]),
    ...(peakRssBytes === null ? [] : [{ ...open, kind: "cpu" as const, index: null, name: "host memory" }]),
  ];
}
