/** A run as a person names it: its id, a part of it, its name, or `latest`. */
import { TrainyardError } from "./errors.ts";
import type { RunId } from "./ids.ts";
import type { RunSummary } from "./run.ts";

export const RUN_ARGUMENT = "id, the beginning or end of one, a name, or 'latest'";

/** @throws TrainyardError not_found, or conflict when several runs fit */
export function selectRun(runs: readonly RunSummary[], text: string): RunId {
  const exact = runs.find((run) => run.id === text);
  if (exact !== undefined) return exact.id;
  if (text === "latest") {
    const newest = [...runs].sort((a, b) => (a.created_at < b.created_at ? 1 : -1))[0];
    if (newest === undefined)
      throw new TrainyardError("not_found", "the store has no runs yet", "Start one: trainyard run -- python train.py");
    return newest.id;
  }
  const named = runs.filter((run) => run.name === text);
  const part = text.startsWith("run_") ? text : `run_${text}`;
  const found = named.length > 0 ? named : runs.filter((run) => run.id.startsWith(part) || (text.length >= 4 && run.id.endsWith(text)));
  const [only] = found;
  if (only === undefined) throw new TrainyardError("not_found", `no run is called '${text}'`, "trainyard list shows all runs.");
  if (found.length > 1) {
    const ids = found.slice(0, 5).map((run) => run.id);
    throw new TrainyardError("conflict", `'${text}' fits ${found.length} runs: ${ids.join(", ")}`, "Give more of the id.");
  }
  return only.id;
}
