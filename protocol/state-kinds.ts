/** Which states are of runs that live, and which are final; apart from their schema, so that the extension is activated without loading one. */
import type { RunState } from "./states.ts";

export const LIVE_STATES: ReadonlySet<RunState> = new Set(["starting", "running", "stopping"]);
export const FINAL_STATES: ReadonlySet<RunState> = new Set(["completed", "failed", "cancelled", "interrupted"]);
