/** The checkpoints of a run: what the SDK reported and what lies in `checkpoints/`, each validated. */
import { createHash } from "node:crypto";
import { readdir, realpath } from "node:fs/promises";
import path from "node:path";
import type { AppliedTag, Checkpoint, CheckpointStatus, CheckpointTagRecord } from "../../protocol/artifact.ts";
import type { ReportRecord } from "../../protocol/report.ts";
import { relativeInside } from "./artifacts.ts";
import { checkCheckpoint, checkpointFiles, type CheckpointContent, type CheckpointFile } from "./checkpoint-checks.ts";
import { usesOf, type AttemptReport, type LoadedCheckpoints } from "./resumable.ts";
import type { RunPaths } from "./types.ts";

type ReportedCheckpoint = Extract<ReportRecord, { type: "checkpoint" }>;

interface Candidate {
  readonly location: string;
  readonly attempt: number | null;
  readonly report: ReportedCheckpoint | null;
}

/** A broken checkpoint that was touched this short ago may still be in the writing. */
const WRITING_MS = 15_000;
const LOOKS_LIKE_CHECKPOINT = /^checkpoint-\d+$|^(epoch|step)[=_-]?\d+|\.(ckpt|pt|pth|safetensors)$/;

export class CheckpointFinder {
  /** Results by location and the state of its files, so that asking again costs a few stats. */
  readonly #checked = new Map<string, { signature: string; content: CheckpointContent }>();

  /** Newest first: by attempt, then step. */
  async list(
    paths: RunPaths,
    reports: readonly AttemptReport[],
    loaded: LoadedCheckpoints,
    tags: readonly CheckpointTagRecord[] = [],
  ): Promise<Checkpoint[]> {
    const candidates = await findCandidates(paths, reports);
    const found = await Promise.all(candidates.map((candidate) => this.#describe(paths, candidate, reports, loaded)));
    return found
      .filter((checkpoint) => checkpoint !== null)
      .map((checkpoint) => ({ ...checkpoint, tags: appliedTags(tags, checkpoint.id) }))
      .sort((a, b) => b.attempt - a.attempt || b.step - a.step || b.created_at.localeCompare(a.created_at));
  }

  async #describe(
    paths: RunPaths,
    candidate: Candidate,
    reports: readonly AttemptReport[],
    loaded: LoadedCheckpoints,
  ): Promise<Omit<Checkpoint, "tags"> | null> {
    const { location, report } = candidate;
    const files = await checkpointFiles(location);
    const inside = relativeInside(paths.dir, location);
    const shared = {
      id: `ckpt_${createHash("sha256")
        .update(inside ?? location)
        .digest("hex")
        .slice(0, 12)}`,
      path: location,
      name: path.basename(location),
      final: report?.final ?? false,
    };
    if (files === null) {
      if (report === null) return null;
      return {
        ...shared,
        step: report.step,
        attempt: candidate.attempt ?? 1,
        kind: report.kind,
        framework: report.framework,
        status: "missing",
        problem: "it is no longer on the disk",
        size_bytes: 0,
        created_at: instant(report.time * 1000),
        metrics: report.metrics,
        resumable: false,
        forkable: false,
      };
    }
    const content = await this.#check(location, files, report);
    const modified = Math.max(...files.map((file) => file.modified));
    const status: CheckpointStatus = content.problem === null ? "complete" : Date.now() - modified < WRITING_MS ? "writing" : "torn";
    return {
      ...shared,
      step: report?.step ?? content.step ?? stepOfName(shared.name) ?? 0,
      attempt: candidate.attempt ?? attemptAt(modified, reports),
      kind: content.kind,
      framework: content.framework,
      status,
      problem: content.problem,
      size_bytes: files.reduce((sum, file) => sum + file.size, 0),
      created_at: instant(report === null ? modified : report.time * 1000),
      metrics: { ...content.metrics, ...report?.metrics },
      ...usesOf(status, content.kind, loaded),
    };
  }

  async #check(location: string, files: readonly CheckpointFile[], report: ReportedCheckpoint | null): Promise<CheckpointContent> {
    const signature = `${report?.kind ?? ""} ${files.map((f) => `${f.name}:${String(f.size)}:${String(f.modified)}`).join("|")}`;
    const known = this.#checked.get(location);
    if (known?.signature === signature) return known.content;
    const content = await checkCheckpoint(location, files, report === null ? null : { kind: report.kind, framework: report.framework });
    this.#checked.set(location, { signature, content });
    return content;
  }
}

/** The tags that a checkpoint carries after all that was done to it. */
function appliedTags(records: readonly CheckpointTagRecord[], checkpoint: string): AppliedTag[] {
  const applied = new Map<string, AppliedTag>();
  for (const record of records) {
    if (record.checkpoint !== checkpoint) continue;
    applied.delete(record.tag); // put back at the end: the map is in the order of application
    if (record.action === "add") applied.set(record.tag, { tag: record.tag, notes: record.notes, applied_at: record.time });
  }
  return [...applied.values()];
}

/** The newest report of each place wins: a continued attempt writes some checkpoints anew. */
async function findCandidates(paths: RunPaths, reports: readonly AttemptReport[]): Promise<Candidate[]> {
  const candidates = new Map<string, Candidate>();
  for (const name of await readdir(paths.checkpoints).catch(() => [])) {
    if (name.startsWith(".") || name.startsWith("tmp-") || !LOOKS_LIKE_CHECKPOINT.test(name)) continue;
    const location = path.join(paths.checkpoints, name);
    candidates.set(location, { location, attempt: null, report: null });
  }
  for (const { attempt, records } of reports) {
    for (const record of records) {
      if (record.type !== "checkpoint") continue;
      const location = await normalise(path.resolve(paths.dir, record.path));
      const earlier = candidates.get(location)?.report;
      const metrics = { ...(earlier?.step === record.step ? earlier.metrics : {}), ...record.metrics };
      candidates.set(location, { location, attempt, report: { ...record, metrics } });
    }
  }
  return [...candidates.values()];
}

/** Links in the folders above are followed, so that one place has one name; the checkpoint itself may be a link (`last.ckpt`). */
async function normalise(location: string): Promise<string> {
  const folder = await realpath(path.dirname(location)).catch(() => path.dirname(location));
  return path.join(folder, path.basename(location));
}

/** The attempt that was going on at a time: the last one whose SDK said hello before. */
function attemptAt(time: number, reports: readonly AttemptReport[]): number {
  let attempt = reports[0]?.attempt ?? 1;
  for (const report of reports) {
    const hello = report.records.find((record) => record.type === "hello");
    if (hello !== undefined && hello.time * 1000 <= time) attempt = report.attempt;
  }
  return attempt;
}

function stepOfName(name: string): number | null {
  const match = /step[=_-]?(\d+)/.exec(name) ?? /(\d+)(?:\.\w+)?$/.exec(name);
  return match?.[1] === undefined ? null : Number(match[1]);
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
