/** The runs of a sweep as a search sees them: their state, what they reached, and the objective over their steps. */
import type { RunId } from "../../protocol/ids.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";
import { FINAL_STATES } from "../../protocol/state-kinds.ts";
import type { SearchTrial } from "../../protocol/sweep-search.ts";
import type { SweepDetail } from "../../protocol/sweep.ts";
import type { RunSeries } from "../series/types.ts";

type Curve = readonly (readonly [number, number])[];
type SweepRun = SweepDetail["runs"][number];

/** Points of one run that are read; and places over the longest run at which runs are compared, so that those of any step width meet. */
const MOST_POINTS = 4000;
const PLACES = 200;

interface Source {
  series(id: RunId): Promise<{ series: RunSeries; release(): void }>;
}

export class SweepTrials {
  readonly #source: Source;
  /** Curves of runs that are over do not change any more. */
  readonly #over = new Map<RunId, Curve>();

  constructor(source: Source) {
    this.#source = source;
  }

  /** In the order of the sweep. @param judged the step up to which each live run was judged */
  async read({ runs, objective }: SweepDetail, judged: ReadonlyMap<RunId, number> = new Map()): Promise<SearchTrial[]> {
    const curves = await Promise.all(runs.map((run) => this.#curve(run, objective?.metric ?? "")));
    const longest = Math.max(0, ...curves.map((curve) => curve.at(-1)?.[0] ?? 0));
    const width = Math.max(1, Math.ceil(longest / PLACES));
    return runs.map((run, index) => {
      return { ...searchTrial(run), steps: thinned(curves[index] ?? [], width), judged: judged.get(run.run) ?? null };
    });
  }

  async #curve({ run, state }: SweepRun, metric: string): Promise<Curve> {
    const known = this.#over.get(run);
    if (known !== undefined) return known;
    if (state === "waiting" || state === "deleted" || state === "queued") return [];
    const lease = await this.#source.series(run);
    try {
      const [window] = lease.series.window({ metrics: [metric], maxPoints: MOST_POINTS });
      const curve: (readonly [number, number])[] = [];
      window?.steps.forEach((step, index) => {
        const value = window.values[index] ?? NaN;
        if (Number.isFinite(value) && step >= 0) curve.push([step, value]);
      });
      if (FINAL_STATES.has(state)) this.#over.set(run, curve);
      return curve;
    } finally {
      lease.release();
    }
  }
}

/** Without its steps. */
export function searchTrial(run: SweepRun): SearchTrial {
  const value = run.objective === null ? NaN : fromWireNumber(run.objective);
  const state = trialState(run, value);
  return { params: run.params, state, value: state === "complete" ? value : null, steps: [], judged: null };
}

function trialState({ state, pruned }: SweepRun, value: number): SearchTrial["state"] {
  switch (state) {
    case "completed":
      return Number.isFinite(value) ? "complete" : "failed";
    case "cancelled":
      return pruned === undefined ? "failed" : "pruned";
    case "failed":
    case "interrupted":
    case "deleted":
      return "failed";
    default:
      return "running";
  }
}

/** The last value within each place, at the step where the place begins; a width of 1 keeps every step. */
function thinned(curve: Curve, width: number): [number, number][] {
  const last = new Map<number, number>();
  for (const [step, value] of curve) last.set(Math.floor(step / width) * width, value);
  return [...last].sort(([a], [b]) => a - b);
}
