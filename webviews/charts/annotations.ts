/** What is drawn besides the lines: attempts, replayed steps, checkpoints, in steps; where each metric went wrong first. */
import type { Checkpoint } from "../../protocol/artifact.ts";
import type { AttemptDetail } from "../../protocol/queries.ts";
import type { MetricSummary, NotFinite } from "../../protocol/run.ts";

export interface AttemptSpan {
  readonly number: number;
  /** First step of its ground; the resumed step for a continued attempt. */
  readonly from: number;
  /** Where the next attempt took over; null for the newest. */
  readonly to: number | null;
  /** Steps that the next attempt went over again, or null. */
  readonly replayed: readonly [number, number] | null;
}

export interface CheckpointMark {
  readonly id: string;
  readonly step: number;
  readonly name: string;
  readonly final: boolean;
  readonly resumable: boolean;
}

export interface Annotations {
  readonly attempts: readonly AttemptSpan[];
  readonly checkpoints: readonly CheckpointMark[];
  /** Metric → its first value that is not finite. */
  readonly notFinite: Readonly<Record<string, NotFinite>>;
}

export const NO_ANNOTATIONS: Annotations = { attempts: [], checkpoints: [], notFinite: {} };

/** Diamonds that are nearer to each other would be one bar. */
const APART_PX = 11;

/**
 * The marks that have room beside each other: the final ones and the newest, and from the oldest on each that stands clear of those.
 * @param marks by step, rising @param at where one stands, in pixels; NaN for one that has no place
 */
export function spacedMarks(marks: readonly CheckpointMark[], at: (mark: CheckpointMark) => number): CheckpointMark[] {
  const certain = marks.filter((mark, i) => mark.final || i === marks.length - 1);
  const clear = (x: number, other: number): boolean => !(Math.abs(x - other) < APART_PX);
  let last = NaN;
  return marks.filter((mark) => {
    if (certain.includes(mark)) return true;
    const x = at(mark);
    const shown = clear(x, last) && certain.every((other) => clear(x, at(other)));
    if (shown) last = x;
    return shown;
  });
}

export function annotate(
  attempts: readonly AttemptDetail[],
  checkpoints: readonly Checkpoint[],
  metrics: Readonly<Record<string, MetricSummary>>,
): Annotations {
  const spans = attempts.map((attempt, i): AttemptSpan => {
    const next = attempts[i + 1];
    const to = next === undefined ? null : (next.resumed_from?.step ?? attempt.last_step ?? 0);
    const replayed = to !== null && attempt.last_step !== null && attempt.last_step > to ? ([to, attempt.last_step] as const) : null;
    return { number: attempt.number, from: attempt.resumed_from?.step ?? attempt.first_step ?? 0, to, replayed };
  });
  const marks = checkpoints
    .filter((checkpoint) => checkpoint.status === "complete")
    .map(({ id, step, name, final, resumable }) => ({ id, step, name, final, resumable }))
    .sort((a, b) => a.step - b.step);
  const notFinite = Object.fromEntries(
    Object.entries(metrics).flatMap(([name, { not_finite: first }]) => (first === undefined ? [] : [[name, first]])),
  );
  return { attempts: spans, checkpoints: marks, notFinite };
}
