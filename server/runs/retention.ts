/** Removing checkpoints by a rule. The plan is pure; carrying it out removes nothing that the plan does not name. */
import { readdir, realpath, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { Checkpoint } from "../../protocol/artifact.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";
import type { KeptBecause, RetainCheckpoints, RetentionPlan, RetentionRule } from "../../protocol/retention.ts";
import type { RunRecord } from "../../protocol/run.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import { writeError } from "../store/fs-errors.ts";
import type { RunEntry } from "./entry.ts";
import { queuedResume } from "./queue-stay.ts";
import type { Ledger } from "./ledger.ts";

/** A live run may still be busy with what it wrote so short ago: rotating, copying, naming the best. */
const LIVE_GRACE_MS = 120_000;
/** Where a checkpoint goes first, so that one whose removal is cut short is not taken for a torn one. */
const DOOMED = ".removed-";

export interface RetentionFacts {
  readonly rule: RetentionRule;
  /** Of one run, newest first. */
  readonly checkpoints: readonly Checkpoint[];
  /** May a process of the run be writing? */
  readonly live: boolean;
  /** Names, ids or paths that runs were forked from. */
  readonly forkedFrom: ReadonlySet<string>;
  /** The same for attempts that went on from one. */
  readonly continuedFrom: ReadonlySet<string>;
  /** Where each checkpoint really lies, by its path; itself where it cannot be followed. */
  readonly real: ReadonlyMap<string, string>;
  /** Paths of those that lie, and really lie, in the run's folder of checkpoints. */
  readonly inside: ReadonlySet<string>;
  /** ms since the epoch. */
  readonly now: number;
}

/**
 * Why each checkpoint stays; no reason means that it goes. Pure.
 * @throws TrainyardError bad_request: no checkpoint has the metric that the best ones are chosen by
 */
export function whyKept(facts: RetentionFacts): Map<Checkpoint, KeptBecause[]> {
  const { rule, checkpoints, live, inside, real } = facts;
  const present = checkpoints.filter((one) => one.status !== "missing");
  const complete = present.filter((one) => one.status === "complete");
  const last = new Set(complete.slice(0, rule.keep_last ?? 0));
  const best = new Set(rule.keep_best === undefined ? [] : bestOf(complete, rule.keep_best));
  const lastResumable = complete.find((one) => one.resumable) ?? complete.find((one) => one.kind === "full");
  const named = (names: ReadonlySet<string>, one: Checkpoint): boolean => names.has(one.id) || names.has(one.path) || names.has(one.name);
  const reasons = new Map<Checkpoint, KeptBecause[]>();
  for (const one of present) {
    const because: KeptBecause[] = [];
    const note = (reason: KeptBecause, holds: boolean): void => {
      if (holds) because.push(reason);
    };
    note("last_complete", one === complete[0]);
    note("last_resumable", one === lastResumable);
    note("keep_last", last.has(one));
    note("keep_best", best.has(one));
    note("keep_every", one.status === "complete" && rule.keep_every !== undefined && one.step % rule.keep_every === 0);
    note("tagged", one.tags.length > 0);
    note("forked", named(facts.forkedFrom, one));
    note("continued", named(facts.continuedFrom, one));
    note("writing", one.status === "writing" || (live && facts.now - Date.parse(one.created_at) < LIVE_GRACE_MS));
    note("torn", one.status === "torn" && !rule.remove_torn);
    note("outside", !inside.has(one.path));
    reasons.set(one, because);
  }
  keepShared(reasons, real, inside);
  return reasons;
}

/** A folder that holds one that stays, what lies in it, and what a link that stays leads to, stay as well; until nothing more does. */
function keepShared(reasons: ReadonlyMap<Checkpoint, KeptBecause[]>, real: ReadonlyMap<string, string>, inside: ReadonlySet<string>): void {
  const places = (one: Checkpoint): string[] => [one.path, real.get(one.path) ?? one.path];
  const within = (a: string, b: string): boolean => a === b || a.startsWith(b + path.sep);
  const kept = [...reasons].filter(([, because]) => because.length > 0).map(([one]) => one);
  for (let one = kept.pop(); one !== undefined; one = kept.pop()) {
    // A script may have called the whole run folder a checkpoint: that says nothing of what lies in it.
    const protectsContent = inside.has(one.path);
    const mine = places(one);
    for (const [other, because] of reasons) {
      if (because.length > 0) continue;
      if (!mine.some((a) => places(other).some((b) => within(a, b) || (protectsContent && within(b, a))))) continue;
      because.push("shared");
      kept.push(other);
    }
  }
}

/** @throws TrainyardError bad_request */
function bestOf(complete: readonly Checkpoint[], { metric, direction, count }: NonNullable<RetentionRule["keep_best"]>): Checkpoint[] {
  const value = (one: Checkpoint): number => {
    const found = one.metrics[metric];
    return found === undefined ? Number.NaN : fromWireNumber(found);
  };
  const known = complete.filter((one) => !Number.isNaN(value(one)));
  if (known.length === 0 && complete.length > 0) {
    const names = [...new Set(complete.flatMap((one) => Object.keys(one.metrics)))].slice(0, 20);
    throw new TrainyardError(
      "bad_request",
      `no checkpoint has a value of ${metric}, so that the best ones are not known`,
      names.length === 0 ? "None of them has any metric: keep the last ones, or every so many steps." : `They have ${names.join(", ")}.`,
    );
  }
  const sign = direction === "min" ? 1 : -1;
  // Of equal ones the newer (it stands first, and the sort is stable).
  return [...known].sort((a, b) => sign * (value(a) - value(b))).slice(0, count);
}

/**
 * What the rule would remove, and with `apply` its removal.
 * @throws TrainyardError bad_request (no rule, or one that cannot be followed) | store_unwritable
 */
export async function retainCheckpoints(ledger: Ledger, entry: RunEntry, request: RetainCheckpoints): Promise<RetentionPlan> {
  const { store } = ledger;
  const { id } = entry.record;
  const rule = request.rule ?? (await projectRule(ledger, entry.record.project));
  const checkpoints = await store.checkpoints(id);
  const folder = store.paths(id).checkpoints;
  const reasons = whyKept({
    rule,
    checkpoints,
    live: LIVE_STATES.has(entry.record.state) || entry.record.state === "queued",
    ...(await usesElsewhere(ledger, id)),
    ...(await placesOf(folder, checkpoints)),
    now: Date.now(),
  });
  const doomed = [...reasons].filter(([, because]) => because.length === 0).map(([one]) => one);
  if (request.apply) {
    await removeLeftovers(folder);
    for (const checkpoint of doomed) await remove(checkpoint);
    if (doomed.length > 0) await announce(ledger, entry, doomed);
  }
  const bytes = (all: readonly Checkpoint[]): number => all.reduce((sum, one) => sum + one.size_bytes, 0);
  return {
    run: id,
    rule,
    checkpoints: [...reasons].map(([one, because]) => ({
      checkpoint: one.id,
      name: one.name,
      step: one.step,
      attempt: one.attempt,
      kind: one.kind,
      status: one.status,
      size_bytes: one.size_bytes,
      kept_because: because,
    })),
    removed_count: doomed.length,
    removed_bytes: bytes(doomed),
    kept_bytes: bytes([...reasons.keys()]) - bytes(doomed),
    applied: request.apply,
  };
}

/** The project's rule after one of its runs ended. Nothing else depends on it, so that a failure is only noted. */
export async function retainAutomatically(ledger: Ledger, entry: RunEntry): Promise<void> {
  if (ledger.store.readOnly) return;
  try {
    const project = (await ledger.store.projects()).find((one) => one.name === entry.record.project);
    if (project?.retention?.automatic !== true) return;
    await retainCheckpoints(ledger, entry, { rule: project.retention.rule, apply: true });
  } catch (error) {
    ledger.note(`the checkpoints of ${entry.record.id} are all kept`, error);
  }
}

/** @throws TrainyardError bad_request */
async function projectRule(ledger: Ledger, name: string): Promise<RetentionRule> {
  const project = (await ledger.store.projects()).find((one) => one.name === name);
  if (project?.retention != null) return project.retention.rule;
  throw new TrainyardError("bad_request", `the project ${name} has no retention rule`, "Give a rule, or set one in the project.");
}

/** Everything that runs went on from, by whatever name it was written down. */
async function usesElsewhere(ledger: Ledger, id: RunId): Promise<Pick<RetentionFacts, "forkedFrom" | "continuedFrom">> {
  const forkedFrom = new Set<string>();
  const continuedFrom = new Set<string>();
  const children: RunRecord[] = [...ledger.entries()].filter((entry) => entry.parent === id).map((entry) => entry.record);
  for (const { id: child, parent } of children) {
    if (parent?.checkpoint != null) forkedFrom.add(parent.checkpoint);
    const resolved = await ledger.store.resolved(child);
    if (resolved?.resume_from != null) forkedFrom.add(resolved.resume_from.path);
  }
  for (const { resumed_from: from } of await ledger.store.attempts(id)) {
    if (from === null) continue;
    continuedFrom.add(from.path);
    continuedFrom.add(from.checkpoint);
  }
  const resolved = await ledger.store.resolved(id);
  if (resolved?.resume_from != null) continuedFrom.add(resolved.resume_from.path);
  const waiting = queuedResume(ledger.must(id).record);
  if (waiting !== null) continuedFrom.add(waiting.checkpoint);
  // What cannot be read may name any of them.
  const damage = ledger.store.damage(id);
  if (damage !== null) throw new TrainyardError("corrupt_record", damage, "Repair that file; until then all checkpoints are kept.");
  return { forkedFrom, continuedFrom };
}

/** What a script calls a checkpoint may lie anywhere; only what lies in the run's own folder is ever touched. */
async function placesOf(folder: string, checkpoints: readonly Checkpoint[]): Promise<Pick<RetentionFacts, "real" | "inside">> {
  const real = new Map<string, string>();
  const inside = new Set<string>();
  const root = await realpath(folder).catch(() => null);
  for (const { path: location } of checkpoints) {
    const place = await realpath(location).catch(() => null);
    real.set(location, place ?? location);
    if (root === null || place === null) continue;
    const parent = await realpath(path.dirname(location));
    const isIn = (one: string): boolean => one.startsWith(root + path.sep);
    if (isIn(place) && isIn(path.join(parent, path.basename(location)))) inside.add(location);
  }
  return { real, inside };
}

async function remove({ path: location }: Checkpoint): Promise<void> {
  const doomed = path.join(path.dirname(location), `${DOOMED}${path.basename(location)}`);
  try {
    await rm(doomed, { recursive: true, force: true });
    await rename(location, doomed);
    await rm(doomed, { recursive: true, force: true });
  } catch (error) {
    throw writeError(error, `remove ${location}`, location);
  }
}

/** What a removal that was cut short left behind. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => []))
    if (name.startsWith(DOOMED)) await rm(path.join(folder, name), { recursive: true, force: true });
}

async function announce(ledger: Ledger, entry: RunEntry, removed: readonly Checkpoint[]): Promise<void> {
  const { id } = entry.record;
  const text = `Removed by the retention rule: ${removed.map((one) => one.name).join(", ")}.`;
  await ledger.event(entry, { type: "message", time: new Date().toISOString(), level: "info", text });
  entry.checkpoints = await ledger.store.checkpoints(id);
  ledger.emit({ type: "checkpoints", id, checkpoints: [...entry.checkpoints] });
  ledger.announce(entry);
}
