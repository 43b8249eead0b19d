/** The order of the queue, and what it looks like from outside. Pure. */
import { counted } from "../../protocol/counted.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { MoveInQueue, Queue, QueueFile } from "../../protocol/queue.ts";
import type { RunRecord } from "../../protocol/run.ts";
import { isWaiting } from "../../protocol/state-kinds.ts";
import { takesPlace } from "./queue-stay.ts";

/**
 * The runs that wait, in the order in which they start: those that somebody gave a place, then the others as they came.
 * @param order ids, of which some may wait no longer
 */
export function inOrder(order: readonly RunId[], records: readonly RunRecord[]): RunRecord[] {
  const places = new Map(order.map((id, place) => [id, place]));
  const placeOf = ({ id }: RunRecord): number => places.get(id) ?? Infinity;
  const cameOf = ({ id, queue }: RunRecord): string => `${queue?.queued_at ?? ""} ${id}`;
  return records.filter(isWaiting).sort((a, b) => {
    const [placeA, placeB] = [placeOf(a), placeOf(b)];
    if (placeA !== placeB) return placeA - placeB;
    return cameOf(a) < cameOf(b) ? -1 : 1;
  });
}

/**
 * The ids in their new order.
 * @param waiting in their order now
 * @throws TrainyardError conflict when the run, or the one that it shall stand beside, does not wait
 */
export function moved(waiting: readonly RunRecord[], run: RunRecord, to: MoveInQueue): RunId[] {
  const ids = waiting.map(({ id }) => id);
  if (!ids.includes(run.id)) throw notWaiting(`the run ${run.name}`, run.state);
  const others = ids.filter((id) => id !== run.id);
  const beside = "position" in to ? null : "before" in to ? to.before : to.after;
  if (beside === run.id) return ids;
  if (beside !== null && !others.includes(beside)) throw notWaiting(`the run ${beside}`, null);
  const place = "position" in to ? to.position - 1 : others.indexOf(beside ?? run.id) + ("after" in to ? 1 : 0);
  return [...others.slice(0, place), run.id, ...others.slice(place)];
}

/** @param state null where it is not known */
export function notWaiting(what: string, state: RunRecord["state"] | null): TrainyardError {
  const message = `${what} does not wait in the queue${state === null ? "" : `: it is ${state}`}`;
  return new TrainyardError("conflict", message, "trainyard queue and GET /api/queue list those that wait.");
}

/**
 * @param records runs that wait or take a place, in any order
 * @param problem why nothing starts just now, beside the limit and a pause
 * @param first why the first that waits does not; those behind it wait for that
 */
export function queueState(settings: QueueFile, records: readonly RunRecord[], problem: string | null, first: string | null = null): Queue {
  const { concurrency, paused_at, wait_for_gpus } = settings;
  const running = records.filter(takesPlace).sort((a, b) => ((a.started_at ?? "") < (b.started_at ?? "") ? -1 : 1));
  const free = concurrency - running.length;
  const reason = (position: number): string => {
    if (paused_at !== null) return "The queue is paused.";
    if (position <= free && first === null) return problem ?? "It is about to start.";
    const before = position - 1;
    if (before > 0) return `Behind ${counted(before, "other run")}.`;
    if (free > 0 && first !== null) return first;
    return running.length === 1
      ? `Waits for ${running[0]?.name ?? ""} to end.`
      : `Waits for one of ${String(running.length)} running runs to end.`;
  };
  return {
    concurrency,
    paused_at,
    wait_for_gpus,
    running: running.map(({ id, name, project, state, started_at }) => ({ id, name, project, state, started_at })),
    waiting: inOrder(settings.order, records).map(({ id, name, project, recipe, queue, created_at }, index) => ({
      id,
      name,
      project,
      recipe,
      position: index + 1,
      queued_at: queue?.queued_at ?? created_at,
      reason: reason(index + 1),
    })),
  };
}
