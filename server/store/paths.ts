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

/** @param dir the run folder, absolute and normal. Nothing is left to normalise, and a large store asks for its paths half a million times. */
export function runPaths(dir: string): RunPaths {
  const inside = (name: string): string => `${dir}${path.sep}${name}`;
  const attempts = inside("attempts");
  return {
    dir,
    runJson: inside(RUN_FILE),
    specYaml: inside("spec.yaml"),
    resolvedJson: inside("resolved.json"),
    eventsJsonl: inside("events.jsonl"),
    gitPatch: inside("git.patch"),
    checkpointTags: inside("checkpoint-tags.jsonl"),
    artifacts: inside("artifacts"),
    checkpoints: inside("checkpoints"),
    attempts,
    attempt: (number) => attemptPaths(`${attempts}${path.sep}${String(number)}`),
  };
}

function attemptPaths(dir: string): AttemptPaths {
  const inside = (name: string): string => `${dir}${path.sep}${name}`;
  return {
    dir,
    attemptJson: inside("attempt.json"),
    processJson: inside("process.json"),
    stopJson: inside("stop.json"),
    exitJson: inside("exit.json"),
    reportJsonl: inside("report.jsonl"),
    metrics: inside("metrics.bin"),
    system: inside("system.bin"),
    log: inside("log"),
    logIndex: inside("log.idx"),
  };
}
