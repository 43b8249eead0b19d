/** Is it flat? The verdict on a series of samples, and the table. */
import type { MemorySample } from "./server-process.ts";

/** Of the mean over all that was measured. */
const ALLOWED = 0.1;
const STRETCHES = 12;

export interface Stretch {
  readonly fromSeconds: number;
  readonly resident: number;
  readonly lowest: number;
  readonly highest: number;
  readonly anonymous: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
}

export interface Flatness {
  readonly stretches: readonly Stretch[];
  /** Mean resident memory, MiB. */
  readonly mean: number;
  /** Greatest distance from the mean as a share of it: of a stretch's median, and of any single sample. */
  readonly worstStretch: number;
  readonly worstSample: number;
  readonly flat: boolean;
}

/**
 * Cuts the samples into twelve stretches. It is flat when the median of each lies within 10 % of the mean of all: a single sample may stand
 * right before or right after a collection of garbage, the median of a stretch does not move by that.
 */
export function judge(samples: readonly MemorySample[]): Flatness {
  const size = Math.max(1, Math.floor(samples.length / STRETCHES));
  const stretches: Stretch[] = [];
  for (let start = 0; start + size <= samples.length && stretches.length < STRETCHES; start += size) {
    const part = samples.slice(start, stretches.length === STRETCHES - 1 ? samples.length : start + size);
    const residents = part.map((sample) => sample.resident);
    stretches.push({
      fromSeconds: part[0]?.at ?? 0,
      resident: median(residents),
      lowest: Math.min(...residents),
      highest: Math.max(...residents),
      anonymous: median(part.map((sample) => sample.anonymous)),
      heapUsed: median(part.map((sample) => sample.heapUsed)),
      heapTotal: median(part.map((sample) => sample.heapTotal)),
    });
  }
  const mean = samples.reduce((sum, sample) => sum + sample.resident, 0) / samples.length;
  const distance = (value: number): number => Math.abs(value / mean - 1);
  const worstStretch = Math.max(...stretches.map((stretch) => distance(stretch.resident)));
  const worstSample = Math.max(...samples.map((sample) => distance(sample.resident)));
  return { stretches, mean, worstStretch, worstSample, flat: worstStretch <= ALLOWED };
}

export function formatStretches({ stretches }: Flatness): string {
  const cells = (values: readonly string[]): string => values.map((value) => value.padStart(11)).join("");
  const lines = stretches.map((one) =>
    cells([
      clock(one.fromSeconds),
      ...[one.resident, one.lowest, one.highest, one.anonymous, one.heapUsed, one.heapTotal].map((value) => value.toFixed(1)),
    ]),
  );
  return [cells(["from", "resident", "lowest", "highest", "anonymous", "heap used", "heap held"]), ...lines, ""].join("\n");
}

function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
