/** Tags on checkpoints: to the run folder first, then to whoever looks. */
import type { Checkpoint } from "../../protocol/artifact.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { RunStore } from "../store/types.ts";
import type { RunEntry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";
import type { TagChange } from "./types.ts";

/**
 * @param wanted id, name or path of the checkpoint; several of one name (an attempt wrote it anew elsewhere) mean the newest
 * @throws TrainyardError not_found
 */
export async function findCheckpoint(store: RunStore, id: RunId, wanted: string): Promise<Checkpoint> {
  const all = await store.checkpoints(id);
  const found = all.find((checkpoint) => [checkpoint.id, checkpoint.name, checkpoint.path].includes(wanted));
  if (found !== undefined) return found;
  const names = all.slice(0, 10).map((checkpoint) => checkpoint.name);
  throw new TrainyardError(
    "not_found",
    `the run ${id} has no checkpoint ${wanted}`,
    names.length === 0 ? "It has none yet." : `It has ${names.join(", ")}.`,
  );
}

/**
 * Gives a checkpoint a tag or takes one off.
 * @throws TrainyardError not_found | bad_checkpoint (not whole, so neither a candidate nor a release) | disk_full | store_unwritable
 */
export async function changeTag(ledger: Ledger, entry: RunEntry, wanted: string, change: TagChange): Promise<Checkpoint> {
  const { store } = ledger;
  const { id } = entry.record;
  const checkpoint = await findCheckpoint(store, id, wanted);
  const { action, tag, notes } = change;
  if (action === "remove" && !checkpoint.tags.some((applied) => applied.tag === tag))
    throw new TrainyardError("not_found", `the checkpoint ${checkpoint.name} does not carry the tag ${tag}`, null);
  if (action === "add" && tag !== "archived" && checkpoint.status !== "complete")
    throw new TrainyardError(
      "bad_checkpoint",
      `the checkpoint ${checkpoint.name} is ${checkpoint.status}: it cannot be a ${tag}`,
      "Choose a complete one.",
    );
  const time = new Date().toISOString();
  await store.appendCheckpointTag(id, { time, checkpoint: checkpoint.id, name: checkpoint.name, action, tag, notes });
  const verb = action === "add" ? "tag" : "untag";
  await ledger.event(entry, { type: "edit", time, changes: { checkpoint: checkpoint.name, [verb]: tag, ...(notes !== "" && { notes }) } });
  const checkpoints = await store.checkpoints(id);
  entry.checkpoints = checkpoints;
  ledger.emit({ type: "checkpoints", id, checkpoints });
  return checkpoints.find((one) => one.id === checkpoint.id) ?? checkpoint;
}
