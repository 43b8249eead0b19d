/** Records that pass their schema, for tests that care about one field. */
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
