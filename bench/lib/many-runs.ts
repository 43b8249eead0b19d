/** Summaries of many runs, each made from its number alone: 30 params and 20 metrics, of kinds that real ones have. */
import type { RunId } from "../../protocol/ids.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { MetricSummary, RunSummary } from "../../protocol/run.ts";

export const PARAMS = 30;
export const METRICS = 20;

const OPTIMIZERS = ["adamw", "lion", "sgd", "adafactor"];
const STATES = ["completed", "completed", "completed", "failed", "cancelled", "interrupted"] as const;
const BASE_MS = Date.UTC(2026, 0, 1);
const BASE32 = "0123456789abcdefghjkmnpqrstvwxyz";

export function runIdOf(n: number): RunId {
  const digits = (value: number, length: number): string => {
    let text = "";
    for (let i = 0, rest = value; i < length; i++, rest = Math.floor(rest / 32)) text = (BASE32[rest % 32] ?? "") + text;
    return text;
  };
  return `run_${digits(BASE_MS + n * 60_000, 9)}${digits(n * 7919 + 1, 8)}`;
}

/** Between 0 and 1, of the run and the field alone. */
function noise(n: number, field: number): number {
  return Math.abs(Math.sin(n * 12.9898 + field * 78.233) * 43_758.5453) % 1;
}

export function paramsOf(n: number): JsonObject {
  const params: JsonObject = {
    learning_rate: [1e-5, 3e-5, 1e-4, 3e-4, 1e-3][n % 5] ?? 0,
    optim: OPTIMIZERS[Math.floor(n / 3) % OPTIMIZERS.length] ?? "",
    bf16: n % 2 === 0,
    lora: { r: 2 ** (3 + (n % 4)), alpha: 16 },
    model: `llama-${String(1 + (n % 12))}b`,
  };
  for (let p = 6; p < PARAMS; p++) params[`param_${String(p)}`] = p % 4 === 0 ? Math.floor(noise(n, p) * 64) : noise(n, p);
  return params;
}

export function metricsOf(n: number): Record<string, MetricSummary> {
  const metrics: Record<string, MetricSummary> = {};
  for (let m = 0; m < METRICS; m++) {
    const last = noise(n, 100 + m) * 4;
    const [min, max] = [last * 0.9, last * 3];
    const name = m === 0 ? "loss" : m === 1 ? "eval/loss" : `eval/metric_${String(m)}`;
    metrics[name] = { last, last_step: 1000, min, min_step: 900 + (n % 100), max, max_step: n % 10, count: 1000, first: max };
  }
  return metrics;
}

export function summaryOf(n: number): RunSummary {
  const time = (seconds: number): string => new Date(BASE_MS + n * 60_000 + seconds * 1000).toISOString();
  return {
    id: runIdOf(n),
    project: `project-${String(n % 4)}`,
    experiment: null,
    name: `run ${String(n)}`,
    description: "",
    notes: n % 50 === 0 ? `note ${String(n)}` : "",
    tags: n % 7 === 0 ? ["baseline"] : [],
    starred: n % 100 === 0,
    archived: n % 20 === 0,
    state: STATES[n % STATES.length] ?? "completed",
    state_reason: null,
    failure: null,
    recipe: n % 3 === 0 ? "sft" : "script",
    seed: n % 10,
    parent: null,
    attempt: 1,
    created_at: time(0),
    started_at: time(1),
    ended_at: time(100 + (n % 1000)),
    origin: "server",
    git: null,
    progress: {
      step: 1000,
      max_steps: 1000,
      epoch: 3,
      max_epochs: 3,
      fraction: 1,
      elapsed_seconds: 99 + (n % 1000),
      eta_seconds: 0,
      steps_per_second: 10,
    },
    params: paramsOf(n),
    metrics: metricsOf(n),
    checkpoint_count: n % 4,
    forkable: n % 4 > 0,
    damage: null,
  };
}
