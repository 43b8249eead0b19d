/** Opening the points of a run of a store. */
import { readdir } from "node:fs/promises";
import type { RunId } from "../../protocol/ids.ts";
import { AttemptRecord } from "../../protocol/run.ts";
import { readJsonFile } from "../store/json-file.ts";
import type { RunStore } from "../store/types.ts";
import type { CompactFiles } from "./compact-files.ts";
import { createRunSeries } from "./run-series.ts";
import type { RunSeries, SeriesSource } from "./types.ts";

/**
 * The points of a run; nothing is read before the first `poll`.
 *
 * `metrics`: what the training logged. `system`: samples of the machine; their numbers go on over attempts and servers, or the joined curve
 * would take them for rewound.
 * @param compact where compact files of metrics lie; null where there are none
 * @throws TrainyardError not_found
 */
export function openSeries(store: RunStore, id: RunId, kind: "metrics" | "system", compact: CompactFiles | null = null): RunSeries {
  const paths = store.paths(id);
  /** What attempt.json says of each attempt; it does not change, so it is read once. */
  const known = new Map<number, Pick<SeriesSource, "resumedFromStep" | "joined">>();

  async function sources(): Promise<SeriesSource[]> {
    const names = await readdir(paths.attempts).catch(() => []);
    const numbers = names.filter((name) => /^[1-9]\d{0,8}$/.test(name)).map(Number);
    numbers.sort((a, b) => a - b);
    const found: SeriesSource[] = [];
    for (const attempt of numbers) {
      const files = paths.attempt(attempt);
      if (kind === "metrics" && !known.has(attempt)) {
        const record = await readJsonFile(files.attemptJson, AttemptRecord).catch(() => null);
        if (record !== null) known.set(attempt, { resumedFromStep: record.resumed_from?.step ?? null, joined: record.kind === "import" });
      }
      found.push({
        attempt,
        file: kind === "metrics" ? files.metrics : files.system,
        ...(known.get(attempt) ?? { resumedFromStep: null }),
      });
    }
    return found;
  }

  return createRunSeries(id, sources, compact);
}
