/** From a sweep to its runs: pure, and the same for the same document on every machine. */
import type { JsonObject, JsonValue } from "./json.ts";
import type { RunSpec } from "./spec.ts";
import type { OptunaSweep, SweepRange, SweepSpec } from "./sweep-spec.ts";

/** What one run of a sweep has of its own. */
export interface SweepCombination {
  readonly params: JsonObject;
  /** null: the document's own seed. */
  readonly seed: number | null;
}

/** Draws per wanted combination before one that came before is taken again: an interval may hold a handful of numbers only. */
const MOST_DRAWS = 100;

/** Leaves room for a run's number in the longest name that a run may have. */
const LONGEST_NAME = 190;

export function sweepName(spec: RunSpec): string {
  return (spec.name ?? spec.recipe).slice(0, LONGEST_NAME);
}

/** The document of one of the runs. @param index its place in the sweep, from 0 */
export function specOfRun(spec: RunSpec, { params, seed }: SweepCombination, index: number): RunSpec {
  const one: RunSpec = {
    ...spec,
    name: `${sweepName(spec)} ${index + 1}`,
    params: { ...spec.params, ...params },
    ...(seed !== null && { seed }),
  };
  delete one.sweep;
  return one;
}

/** In the order in which they are run: the last param changes fastest in a grid, and the seeds of one combination stand together. */
export function expandSweep(sweep: Exclude<SweepSpec, OptunaSweep>): SweepCombination[] {
  const combinations = sweep.method === "grid" ? grid(sweep.params) : draws(sweep.params, sweep.n, sweep.seed);
  const seeds = sweep.seeds ?? [null];
  return combinations.flatMap((params) => seeds.map((seed) => ({ params, seed })));
}

function grid(params: Readonly<Record<string, SweepRange>>): JsonObject[] {
  let combinations: JsonObject[] = [{}];
  for (const [name, range] of Object.entries(params)) {
    const values = listed(range);
    combinations = combinations.flatMap((combination) => values.map((value) => ({ ...combination, [name]: value })));
  }
  return combinations;
}

function listed(range: SweepRange): readonly JsonValue[] {
  if (Array.isArray(range)) return range;
  if (!("int" in range)) return [];
  const [low, high] = range.int;
  return Array.from({ length: high - low + 1 }, (_, index) => low + index);
}

function draws(params: Readonly<Record<string, SweepRange>>, count: number, seed: number): JsonObject[] {
  const random = generator(seed);
  const seen = new Set<string>();
  const combinations: JsonObject[] = [];
  for (let left = count * MOST_DRAWS; combinations.length < count; left--) {
    const combination = Object.fromEntries(Object.entries(params).map(([name, range]) => [name, draw(range, random)]));
    const text = JSON.stringify(combination);
    if (seen.has(text) && left > 0) continue;
    seen.add(text);
    combinations.push(combination);
  }
  return combinations;
}

function draw(range: SweepRange, random: () => number): JsonValue {
  const at = random();
  if (Array.isArray(range)) return range[Math.floor(at * range.length)] ?? null;
  if ("int" in range) return range.int[0] + Math.floor(at * (range.int[1] - range.int[0] + 1));
  if ("uniform" in range) return within(range.uniform, range.uniform[0] * (1 - at) + range.uniform[1] * at);
  const [low, high] = range.loguniform;
  return within([low, high], Math.exp(Math.log(low) * (1 - at) + Math.log(high) * at));
}

/** Rounding may carry a draw a last digit beyond its bounds. */
function within([low, high]: readonly [number, number], value: number): number {
  return Math.min(high, Math.max(low, value));
}

/** Mulberry32: numbers in [0, 1) from a 32-bit seed. Math.random cannot be seeded. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296;
  };
}
