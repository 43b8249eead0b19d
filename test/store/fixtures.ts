/** Records that pass their schema, for tests that care about one field. */
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { newRunId } from "../../protocol/ids.ts";
import type { AttemptRecord, ExitRecord, RunRecord } from "../../protocol/run.ts";
import type { ResolvedSpec } from "../../protocol/spec.ts";

export function runRecord(fields: Partial<RunRecord> = {}): RunRecord {
  return {
    version: 1,
    id: newRunId(),
    project: "demo",
    experiment: null,
    name: "a run",
    description: "",
    notes: "",
    tags: [],
    starred: false,
    archived: false,
    state: "queued",
    state_reason: null,
    failure: null,
    recipe: "script",
    seed: null,
    parent: null,
    attempt: 0,
    created_at: "2026-01-01T00:00:00.000Z",
    started_at: null,
    ended_at: null,
    origin: "server",
    git: null,
    environment: null,
    ...fields,
  };
}

export function resolvedSpec(run: string, runDir: string): ResolvedSpec {
  return {
    run,
    recipe: "hf-causal-lm",
    params: {},
    sources: {},
    seed: null,
    run_dir: runDir,
    checkpoint_dir: `${runDir}/checkpoints`,
    artifact_dir: `${runDir}/artifacts`,
    resume_from: null,
    extra: {},
  };
}

/** The first attempt of a run, as it stands before its process starts. */
export function attemptRecord(fields: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    version: 1,
    number: 1,
    kind: "start",
    resumed_from: null,
    launcher: "local",
    command: ["true"],
    cwd: "/",
    env: {},
    python: null,
    grace_seconds: 1,
    created_at: "2026-01-01T00:00:00.000Z",
    ...fields,
  };
}

/** The end of a process that the supervisor saw and that went well. */
export function exitRecord(fields: Partial<ExitRecord> = {}): ExitRecord {
  return {
    code: 0,
    signal: null,
    started_at: null,
    ended_at: "2026-01-01T00:00:00.000Z",
    escalation: "none",
    launch_error: null,
    peak_rss_bytes: null,
    by: "supervisor",
    ...fields,
  };
}

/** A safetensors file with one tensor. */
export function weights(): Buffer {
  const head = Buffer.from(JSON.stringify({ w: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(head.length));
  return Buffer.concat([length, head, Buffer.alloc(4)]);
}

/**
 * What the first attempt of a program that goes on from checkpoints leaves, in the folder of a run that has ended.
 * @returns the checkpoint's path; it ends in `step-<step>.safetensors`
 */
export async function leaveCheckpoint(runDir: string, step: number): Promise<string> {
  const file = path.join(runDir, "checkpoints", `step-${String(step)}.safetensors`);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, weights());
  const said = [
    { type: "framework", time: 1, name: "custom", version: "1", graceful_stop: true, resumes: true },
    { type: "checkpoint", time: 2, step, path: file, kind: "full", framework: "custom", metrics: { loss: 1.4 }, final: true },
  ];
  await appendFile(path.join(runDir, "attempts", "1", "report.jsonl"), said.map((record) => `${JSON.stringify(record)}\n`).join(""));
  return file;
}
