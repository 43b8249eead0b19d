/** Refusals that more than one room words. */
import type { RunRecord } from "./run.ts";
import { isWaiting } from "./state-kinds.ts";
import { TrainyardError, type ErrorBody } from "./trainyard-error.ts";

/** Before its document is changed. @throws TrainyardError conflict */
export function mustBeDraft(run: Pick<RunRecord, "name" | "state" | "queue">): void {
  const { name, state } = run;
  if (state === "draft") return;
  throw isWaiting(run)
    ? new TrainyardError("conflict", `the run ${name} waits in the queue`, "Take it out of the queue first.")
    : new TrainyardError("conflict", `the run ${name} is ${state}: its document stays as it ran`, "Clone it to get a draft.");
}

/** What a request about many things refused for some of them, as one error. @throws TrainyardError the first refusal, and how many more there were */
export function mustAll(failed: readonly ErrorBody[]): void {
  const first = failed[0]?.error;
  if (first === undefined) return;
  const more = failed.length === 1 ? "" : ` (and ${String(failed.length - 1)} more refused)`;
  throw TrainyardError.fromApi({ error: { ...first, message: `${first.message}${more}` } });
}
