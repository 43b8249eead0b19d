/** What a benchmark written in TypeScript gives to bench/main.mjs. */

export interface BenchLine {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The number that has to be reached (`at_least`) or kept (`at_most`); left out for a mere measurement. */
  readonly target?: { readonly at_least: number } | { readonly at_most: number };
}

export interface BenchResult {
  readonly bench: string;
  readonly lines: readonly BenchLine[];
}

/** Prints the table and, last, the result as JSON. @returns the exit code: 1 when a target is missed */
export function report(result: BenchResult): number {
  let missed = 0;
  for (const line of result.lines) {
    const met = meets(line);
    if (!met) missed++;
    const target = line.target === undefined ? "" : `  (${targetText(line.target)}${met ? "" : ": MISSED"})`;
    console.log(`${line.what.padEnd(58)} ${line.value.toFixed(2).padStart(10)} ${line.unit}${target}`);
  }
  console.log(JSON.stringify({ ...result, missed }));
  return missed === 0 ? 0 : 1;
}

function meets({ value, target }: BenchLine): boolean {
  if (target === undefined) return true;
  return "at_least" in target ? value >= target.at_least : value <= target.at_most;
}

function targetText(target: NonNullable<BenchLine["target"]>): string {
  return "at_least" in target ? `at least ${String(target.at_least)}` : `at most ${String(target.at_most)}`;
}

/**
 * Median time of `rounds` calls in ms, after one that does not count. CPU time leaves out other load on the machine; it is too coarse for work of
 * a few milliseconds, and counts the collector's threads too: there the median of many calls by the wall clock is the better one.
 */
export async function medianMs(rounds: number, work: () => unknown, clock: "cpu" | "wall" = "cpu"): Promise<number> {
  await work();
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = now(clock);
    await work();
    times.push(now(clock) - start);
  }
  return median(times);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which the share `q` of the values lies; NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN;
}

function now(clock: "cpu" | "wall"): number {
  if (clock === "wall") return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
