/** What the training wrote down about itself (training.py). Read with nothing of the project but the spelling of NaN. */
import { readFile } from "node:fs/promises";

export interface JournalStep {
  /** ms since the epoch. */
  readonly time: number;
  readonly step: number;
  readonly line: string;
  readonly values: Readonly<Record<string, number>>;
}

export interface Journal {
  readonly started: boolean;
  /** When its first line ran, ms since the epoch. */
  readonly startTime: number;
  readonly steps: readonly JournalStep[];
  /** The next thing it did was to end: how, and when (ms since the epoch). */
  readonly ending: { readonly how: string; readonly time: number } | null;
  /** finish() had returned. */
  readonly ended: boolean;
}

interface Line {
  readonly event: string;
  readonly time: number;
  readonly step?: number;
  readonly line?: string;
  readonly how?: string;
  readonly values?: Readonly<Record<string, number | string>>;
}

/** A training that never came to its first line has no journal: an empty one. */
export async function readJournal(file: string): Promise<Journal> {
  const text = await readFile(file, "utf8").catch(() => "");
  // Behind the last newline stands what a kill cut off.
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  const records = lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Line);
  const steps: JournalStep[] = [];
  let ending: Journal["ending"] = null;
  for (const record of records) {
    if (record.event === "step")
      steps.push({ time: record.time * 1000, step: record.step ?? 0, line: record.line ?? "", values: numbers(record.values ?? {}) });
    if (record.event === "ending") ending = { how: record.how ?? "", time: record.time * 1000 };
  }
  const has = (event: string): boolean => records.some((record) => record.event === event);
  const startTime = (records.find((record) => record.event === "start")?.time ?? Infinity) * 1000;
  return { started: has("start"), startTime, steps, ending, ended: has("ended") };
}

function numbers(values: Readonly<Record<string, number | string>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
}
