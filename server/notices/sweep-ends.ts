/** The ends of sweeps. A sweep is told of once, when the last of its runs has ended: what its runs came to by themselves stands in that. */
import { counted } from "../../protocol/counted.ts";
import type { SweepId } from "../../protocol/ids.ts";
import { firstNotFinite } from "../../protocol/not-finite.ts";
import type { Notice } from "../../protocol/notices.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { SweepDetail } from "../../protocol/sweep.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";
import type { Sweeps } from "../runs/sweeps.ts";
import type { Runs } from "../runs/types.ts";

export interface SweepEndsOptions {
  readonly runs: Pick<Runs, "summary">;
  readonly sweeps: Pick<Sweeps, "onSettled" | "atRest">;
  readonly tell: (notice: Notice) => void;
}

/** Groups of failures, and runs of a group, that a notice names. */
const MOST_REASONS = 3;
const MOST_NAMES = 2;

/** Does its sweep speak for it? Not for a run that somebody continued by hand. */
export function isOfSweep({ sweep, attempt }: RunSummary): boolean {
  return sweep !== undefined && attempt <= 1;
}

/** Why it has failed; null when nobody knows. */
export function reasonOf({ failure, state_reason }: RunSummary): string | null {
  return failure?.message ?? state_reason;
}

/** The text as a sentence that ends. */
export function fullStop(text: string): string {
  return text.replace(/\.?$/, ".");
}

export class SweepEnds {
  readonly #options: SweepEndsOptions;
  /** A run of theirs has ended, of which nobody was told yet. */
  readonly #untold = new Set<SweepId>();
  readonly #off: () => void;

  constructor(options: SweepEndsOptions) {
    this.#options = options;
    this.#off = options.sweeps.onSettled((sweep) => {
      this.#consider(sweep);
    });
  }

  /** A run of a sweep that was seen to live has ended. */
  noteEnd(run: RunSummary): void {
    if (run.sweep !== undefined) this.#untold.add(run.sweep.id);
  }

  close(): void {
    this.#off();
  }

  #consider(id: SweepId): void {
    const sweep = this.#untold.has(id) ? this.#options.sweeps.atRest(id) : null;
    if (sweep === null) return;
    this.#untold.delete(id);
    const notice = sweepNotice(sweep, this.#options.runs);
    if (notice !== null) this.#options.tell(notice);
  }
}

/** @returns null for a sweep that somebody stopped together with its runs: whoever did knows */
export function sweepNotice(sweep: SweepDetail, runs: Pick<Runs, "summary">): Notice | null {
  const { id, name, project, stopped, counts, run_count: total } = sweep;
  const made = sweep.runs.flatMap(({ run, state, pruned }) => {
    const summary = state === "waiting" || state === "deleted" ? undefined : runs.summary(run);
    return summary === undefined ? [] : [{ ...summary, pruned: pruned !== undefined && state === "cancelled" }];
  });
  const [last] = made.toSorted((a, b) => (b.ended_at ?? "").localeCompare(a.ended_at ?? ""));
  if (stopped?.by === "user" && last?.state === "cancelled" && !last.pruned) return null;
  const failed = made.filter(({ state }) => state === "failed" || state === "interrupted");
  const pruned = made.filter((run) => run.pruned).length;
  const others: readonly (readonly [count: number, what: string])[] = [
    [failed.length, "failed"],
    [pruned, "pruned"],
    [(counts.cancelled ?? 0) - pruned, "cancelled"],
    [counts.deleted ?? 0, "deleted"],
    [counts.waiting ?? 0, "not made"],
  ];
  const figures = [
    `${String(counts.completed ?? 0)} of ${counted(total, "run")} completed`,
    ...others.flatMap(([count, what]) => (count === 0 ? [] : [`${String(count)} ${what}`])),
  ].join(", ");
  const notFinite = made.filter(({ metrics }) => firstNotFinite(metrics) !== null).length;
  const best = made.find((run) => run.id === sweep.best);
  const sentences = [
    `The sweep ${name} ${stopped === null ? "has ended" : "was stopped"}: ${figures}.`,
    ...(stopped?.by === "server" ? [sentence(stopped.reason)] : []),
    ...(notFinite === 0 ? [] : [`${counted(notFinite, "run")} logged a value that is not finite.`]),
    ...(best === undefined ? [] : [`Best: ${best.name}${bestValue(sweep)}.`]),
  ];
  const kind = failed.length > 0 || stopped?.by === "server" ? "failed" : "finished";
  return {
    // One that was continued after it was told of has made more runs.
    id: `${kind}:${id}:${String(total - (counts.waiting ?? 0))}`,
    time: new Date().toISOString(),
    kind,
    message: sentences.join(" "),
    hint: failureHint(failed),
    run: best === undefined ? null : { id: best.id, name: best.name, project, attempt: best.attempt },
    sweep: { id, name, project },
  };
}

/** ` with eval/loss 0.3121` */
function bestValue({ objective, runs, best }: SweepDetail): string {
  const value = runs.find(({ run }) => run === best)?.objective;
  return objective === null || value == null ? "" : ` with ${objective.metric} ${String(Number(fromWireNumber(value).toPrecision(4)))}`;
}

/** With a capital and a full stop. */
function sentence(text: string): string {
  return fullStop(`${text.charAt(0).toUpperCase()}${text.slice(1)}`);
}

/** Why which runs have failed, those of one class together; what to do where all failed alike. */
function failureHint(failed: readonly RunSummary[]): string | null {
  const groups = new Map<string, RunSummary[]>();
  for (const run of failed) {
    const key = run.failure?.class ?? reasonOf(run) ?? "";
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const [first] = failed;
  if (first === undefined) return null;
  const sentences = [...groups.values()]
    .toSorted((a, b) => b.length - a.length)
    .slice(0, MOST_REASONS)
    .flatMap(([run, ...others]) => {
      if (run === undefined) return [];
      const named = [run, ...others].slice(0, MOST_NAMES).map(({ name }) => name);
      const more = others.length + 1 - named.length;
      const names = more === 0 ? named.join(" and ") : `${named.join(", ")} and ${String(more)} more`;
      return [fullStop(`${names}: ${reasonOf(run) ?? "nothing says why"}`)];
    });
  if (groups.size === 1 && first.failure !== null) sentences.push(first.failure.advice);
  return sentences.join(" ");
}
