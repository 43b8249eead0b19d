/** Which metrics make a dashboard, in which order, and which are better when lower. */
import type { MetricSummary } from "../../protocol/run.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";

/** Earlier patterns come first; names that match none keep the order in which they appeared. */
const ORDER: readonly RegExp[] = [
  /^(train[/_.])?loss$/,
  /^(eval|val|valid|validation|test)[/_.]loss$|^val_loss$|^eval_loss$/,
  /accuracy|acc$|exact_match|f1|bleu|rouge|reward/,
  /learning_rate|(^|[/_.-])lr($|[/_.-])/,
  /grad_norm/,
  /per_second|throughput/,
];

const rank = (name: string): number => {
  const at = ORDER.findIndex((pattern) => pattern.test(name));
  return at < 0 ? ORDER.length : at;
};

export function isTrainingLoss(name: string): boolean {
  return rank(name) === 0;
}

export function isEvaluationLoss(name: string): boolean {
  return rank(name) === 1;
}

/** The order in which charts stand: losses first, then scores, learning rate, gradient norm, throughput, the rest. */
export function orderMetrics(names: readonly string[]): string[] {
  // Array.sort is stable: equal ranks keep their order.
  return names.filter((name) => !name.startsWith("_") && name !== "epoch").sort((a, b) => rank(a) - rank(b));
}

export function filterMetrics(names: readonly string[], text: string): string[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return names.filter((name) => words.every((word) => name.toLowerCase().includes(word)));
}

export function isEvaluation(name: string): boolean {
  return /^(eval|val|valid|validation|test)[/_.]/.test(name);
}

/** Evaluations and schedules: few or noiseless points that no moving average should touch. */
export function isExact(name: string): boolean {
  return isEvaluation(name) || /learning_rate|(^|[/_.-])lr($|[/_.-])/.test(name);
}

/** The best value seen, for metrics whose better direction is beyond doubt: a loss. Others have none. */
export function bestLoss(name: string, summary: MetricSummary): { readonly value: number; readonly step: number } | null {
  if (!name.endsWith("loss")) return null;
  const value = fromWireNumber(summary.min);
  return Number.isFinite(value) ? { value, step: summary.min_step } : null;
}

/** The training loss and the evaluation loss of a run, by the names that frameworks use. */
export function headlineLosses(metrics: Readonly<Record<string, MetricSummary>>): { train: string | null; evaluation: string | null } {
  const names = orderMetrics(Object.keys(metrics));
  return {
    train: names.find(isTrainingLoss) ?? names.find((name) => /train.*loss/.test(name)) ?? null,
    evaluation: names.find(isEvaluationLoss) ?? null,
  };
}
