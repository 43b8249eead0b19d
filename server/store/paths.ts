/** Names of the files in a store and in a run folder (docs/run-folder.md). */
import path from "node:path";
import type { AttemptPaths, RunPaths } from "./types.ts";

export const STORE_FILE = "store.json";
/** Which other stores are shown beside this one. */
export const STORES_FILE = "stores.json";
export const PROJECT_FILE = "project.json";
export const PROJECT_HISTORY_FILE = "history.jsonl";
export const SAVED_FILE = "saved.json";
/** How the queue goes, and its order. */
export const QUEUE_FILE = "queue.json";
export const RUNS_FOLDER = "runs";
export const SWEEPS_FOLDER = "sweeps";
export const RUN_FILE = "run.json";
export const TRASH_FOLDER = ".trash";
/** Run folders in the making (imports). */
export const STAGING_FOLDER = ".staging";

/** @param dir the run folder, absolute */
export function runPaths(dir: string): RunPaths {
  return {
    dir,
    runJson: path.join(dir, RUN_FILE),
    specYaml: path.join(dir, "spec.yaml"),
    resolvedJson: path.join(dir, "resolved.json"),
    eventsJsonl: path.join(dir, "events.jsonl"),
    gitPatch: path.join(dir, "git.patch"),
    checkpointTags: path.join(dir, "checkpoint-tags.jsonl"),
    artifacts: path.join(dir, "artifacts"),
    checkpoints: path.join(dir, "checkpoints"),
    attempts: path.join(dir, "attempts"),
    attempt: (number) => attemptPaths(path.join(dir, "attempts", String(number))),
  };
}

function attemptPaths(dir: string): AttemptPaths {
  return {
    dir,
    attemptJson: path.join(dir, "attempt.json"),
    processJson: path.join(dir, "process.json"),
    stopJson: path.join(dir, "stop.json"),
    exitJson: path.join(dir, "exit.json"),
    reportJsonl: path.join(dir, "report.jsonl"),
    metrics: path.join(dir, "metrics.bin"),
    system: path.join(dir, "system.bin"),
    log: path.join(dir, "log"),
    logIndex: path.join(dir, "log.idx"),
  };
}
