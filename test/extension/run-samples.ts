/** A run with everything set to something plain; tests change what they are about. */
import { lineOf } from "../../protocol/line-of-run.ts";
import { RunSummary } from "../../protocol/run.ts";
import type { RunLine } from "../../protocol/run-line.ts";

export function runSummary(changes: Partial<RunSummary> = {}): RunSummary {
  return RunSummary.parse({
    id: "run_0123456789abcdefg",
    project: "default",
    experiment: null,
    name: "tiny-llama",
    description: "",
    notes: "",
    tags: [],
    starred: false,
    archived: false,
    state: "running",
    state_reason: null,
    failure: null,
    recipe: "hf-causal-lm",
    seed: null,
    parent: null,
    attempt: 1,
    created_at: "2026-01-31T12:00:00.000Z",
    started_at: "2026-01-31T12:00:01.000Z",
    ended_at: null,
    origin: "server",
    git: null,
    progress: {
      step: 680,
      max_steps: 1000,
      epoch: 1.2,
      max_epochs: null,
      fraction: 0.68,
      elapsed_seconds: 60,
      eta_seconds: 28,
      steps_per_second: 11,
    },
    params: {},
    metrics: { loss: metric(0.869), "eval/loss": metric(0.9436), learning_rate: metric(1e-4) },
    checkpoint_count: 0,
    forkable: false,
    damage: null,
    ...changes,
  });
}

/** The line of such a run. */
export function runLine(changes: Partial<RunSummary> = {}): RunLine {
  return lineOf(runSummary(changes));
}

export function metric(last: number | "NaN") {
  return { last, last_step: 680, min: last, min_step: 680, max: last, max_step: 680, count: 68, first: last };
}
