/** The same for many runs: that it is refused for one keeps it from no other. */
import type { BatchResult } from "../../protocol/batch.ts";
import type { RunId } from "../../protocol/ids.ts";
import { mapLimited } from "../store/run-index.ts";
import { toTrainyardError } from "./errors.ts";

/**
 * @param log takes what was not foreseen
 * @param parallel runs that are worked on at the same time
 * @returns both in the order of `runs`
 */
export async function forEachRun<T>(
  runs: readonly RunId[],
  work: (run: RunId) => Promise<T>,
  log: (text: string) => void,
  parallel?: number,
): Promise<{ done: T[]; failed: BatchResult["failed"] }> {
  const done: T[] = [];
  const failed: BatchResult["failed"] = [];
  const outcomes = await mapLimited(
    runs,
    async (run) => {
      try {
        return { done: await work(run) };
      } catch (error) {
        return { refused: { run, error: toTrainyardError(error, log).toApi().error } };
      }
    },
    parallel,
  );
  for (const outcome of outcomes)
    if ("refused" in outcome) failed.push(outcome.refused);
    else done.push(outcome.done);
  return { done, failed };
}
