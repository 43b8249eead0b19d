/** Runs that ended long ago, as folders: for benchmarks of stores that hold many. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { RunId } from "../../protocol/ids.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";
import type { RunRecord } from "../../protocol/run.ts";

export interface FinishedRun {
  readonly rows: number;
  readonly metrics: readonly string[];
  readonly valuesOf: (row: number) => readonly number[];
  readonly params?: JsonObject;
}

/** @param index which gives its name and, a minute apart, its time */
export function writeFinishedRun(store: string, id: RunId, index: number, { rows, metrics, valuesOf, params }: FinishedRun): void {
  const dir = path.join(store, "demo", "runs", id);
  const attempt = path.join(dir, "attempts", "1");
  mkdirSync(attempt, { recursive: true });
  const time = new Date(Date.UTC(2026, 0, 1) + index * 60_000).toISOString();
  const record: RunRecord = {
    version: 1,
    id,
    project: "demo",
    experiment: null,
    name: `run ${String(index)}`,
    description: "",
    notes: "",
    tags: [],
    starred: false,
    archived: false,
    state: "completed",
    state_reason: null,
    failure: null,
    recipe: "script",
    seed: index,
    parent: null,
    attempt: 1,
    created_at: time,
    started_at: time,
    ended_at: time,
    origin: "server",
    git: null,
    environment: null,
  };
  writeFileSync(path.join(dir, "run.json"), JSON.stringify(record));
  writeFileSync(path.join(dir, "spec.yaml"), "recipe: script\nproject: demo\nparams:\n  script: train.py\n");
  // What the script itself reports counts as its params.
  const report = params === undefined ? "" : `${JSON.stringify({ type: "params", time: Date.parse(time) / 1000, params })}\n`;
  writeFileSync(path.join(attempt, "report.jsonl"), report);
  const records = Array.from({ length: rows }, (_, row) => rowRecord(0, Date.parse(time) + row * 100, row, valuesOf(row)));
  writeFileSync(path.join(attempt, "metrics.bin"), Buffer.concat([fileHeader(), setRecord(0, metrics), ...records]));
}
