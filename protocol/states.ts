/** The states of a run and which may follow which. */
import * as z from "zod";

export const RunState = z.enum(["draft", "queued", "starting", "running", "stopping", "completed", "failed", "cancelled", "interrupted"]);
export type RunState = z.infer<typeof RunState>;

/** Of a run that is over. */
export const FinalState = RunState.extract(["completed", "failed", "cancelled", "interrupted"]);
export type FinalState = z.infer<typeof FinalState>;

/** `interrupted` = the process is gone and nobody asked it to go: reboot, lost supervisor, killed from outside before its end. */
export const TRANSITIONS: Readonly<Record<RunState, readonly RunState[]>> = {
  draft: ["queued", "starting", "cancelled"],
  // An ended run that waits to go on and is taken out of the queue is again what it was.
  queued: ["starting", "draft", ...FinalState.options],
  starting: ["running", "stopping", "completed", "failed", "cancelled", "interrupted"],
  running: ["stopping", "completed", "failed", "cancelled", "interrupted"],
  stopping: ["completed", "failed", "cancelled", "interrupted"],
  // A finished run lives again when it is continued from a checkpoint.
  completed: ["queued", "starting"],
  failed: ["queued", "starting"],
  cancelled: ["queued", "starting"],
  interrupted: ["queued", "starting"],
};

export function canTransition(from: RunState, to: RunState): boolean {
  return TRANSITIONS[from].includes(to);
}
