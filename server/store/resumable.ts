/** What a run can go on from: the one rule, from the run's own files alone, so that everybody who asks gets the same answer. */
import type { CheckpointKind, CheckpointStatus } from "../../protocol/artifact.ts";
import type { ReportRecord } from "../../protocol/report.ts";
import type { ResolvedSpec } from "../../protocol/spec.ts";

export interface AttemptReport {
  readonly attempt: number;
  readonly records: readonly ReportRecord[];
}

/** Which checkpoints the training of a run loads when it is started again: `full` alone, those with parameters alone too, or none. */
export type LoadedCheckpoints = "full" | "every" | "none";

/** Recipes that run a program of the user's own. */
const PROGRAMS: ReadonlySet<string> = new Set(["script", "command"]);

export function runsProgram(recipe: string): boolean {
  return PROGRAMS.has(recipe);
}

/**
 * A recipe of ours or of the workspace says so itself when the run is made. A program has to have said so while it ran: the import hook for
 * a framework that it can give a checkpoint to, or the script that asked for `run.resume_from`.
 * @param resolved null when it is missing or cannot be read
 */
export function loadedCheckpoints(resolved: ResolvedSpec | null, reports: readonly AttemptReport[]): LoadedCheckpoints {
  if (resolved === null) return "none";
  if (runsProgram(resolved.recipe)) return reports.some(saysItResumes) ? "full" : "none";
  // Runs that were made before it was written down are taken to be resumable; the recipe refuses when it is not.
  return resolved.extra["resumable"] === false ? "none" : "every";
}

function saysItResumes({ records }: AttemptReport): boolean {
  return records.some((record) => record.type === "framework" && record.resumes);
}

/** What a checkpoint is good for: to continue its run, to start a fork. */
export interface CheckpointUses {
  readonly resumable: boolean;
  readonly forkable: boolean;
}

export function usesOf(status: CheckpointStatus, kind: CheckpointKind, loaded: LoadedCheckpoints): CheckpointUses {
  const resumable = status === "complete" && kind === "full" && loaded !== "none";
  return { resumable, forkable: resumable || (status === "complete" && loaded === "every") };
}
