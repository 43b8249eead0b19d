/** Which checkpoint a resume starts from. Pure. */
import type { Checkpoint } from "../../protocol/artifact.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { ResumeRun } from "../../protocol/queries.ts";
import { usesOf, type CheckpointUses, type LoadedCheckpoints } from "../store/resumable.ts";

/**
 * @param checkpoints newest first
 * @param wanted name, id or path; undefined = the newest that fits
 * @param loaded those that the training can load
 * @throws TrainyardError bad_checkpoint
 */
export function chooseCheckpoint(
  checkpoints: readonly Checkpoint[],
  wanted: string | undefined,
  mode: ResumeRun["mode"],
  loaded: LoadedCheckpoints,
): Checkpoint {
  const uses = (found: Checkpoint): CheckpointUses => usesOf(found.status, found.kind, loaded);
  const fits = (found: Checkpoint): boolean => (mode === "fork" ? uses(found).forkable : uses(found).resumable);
  if (wanted === undefined) {
    // For a fork a full checkpoint is worth more than newer weights alone.
    const best = checkpoints.find((found) => uses(found).resumable) ?? checkpoints.find(fits);
    if (best !== undefined) return best;
    throw new TrainyardError("bad_checkpoint", whyNone(checkpoints), "Start a new run from the same settings.");
  }
  const found = checkpoints.find((candidate) => [candidate.id, candidate.name, candidate.path].includes(wanted));
  const usable = checkpoints.filter(fits).map((candidate) => candidate.name);
  const hint = usable.length === 0 ? "The run has none that can be used." : `Complete ones: ${usable.slice(0, 10).join(", ")}.`;
  if (found === undefined) throw new TrainyardError("bad_checkpoint", `the run has no checkpoint ${wanted}`, hint);
  if (found.status !== "complete") {
    const why = found.problem ?? (found.status === "writing" ? "it is still being written" : "it is no longer on the disk");
    throw new TrainyardError("bad_checkpoint", `the checkpoint ${found.name} is ${found.status}: ${why}`, hint);
  }
  if (!fits(found))
    throw new TrainyardError(
      "bad_checkpoint",
      `the checkpoint ${found.name} holds ${found.kind === "adapter" ? "an adapter" : "weights"} without optimizer state and cannot be ` +
        (mode === "fork" ? "loaded by a script or command" : "continued"),
      uses(found).forkable ? "Fork from it instead, or choose a full one." : hint,
    );
  return found;
}

function whyNone(checkpoints: readonly Checkpoint[]): string {
  if (checkpoints.some((found) => found.status === "complete")) return "the run has no checkpoint with the state of its optimizer";
  const torn = checkpoints.find((found) => found.status === "torn");
  const which = torn === undefined ? "" : ` (${torn.name}: ${torn.problem ?? "torn"})`;
  return `the run has no complete checkpoint${which}`;
}
