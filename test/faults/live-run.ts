/** Folders of runs that live, as a server and supervisors left them; all of one process, which belongs to the test. */
import { writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import type { AttemptRecord, ExitRecord, ProcessRecord } from "../../protocol/run.ts";
import { identify } from "../../server/launch/platform.ts";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";
import { openStore } from "../../server/store/store.ts";
import { resolvedSpec, runRecord } from "../store/fixtures.ts";

/** @param pid a process that lives as long as the runs are to be taken for live */
export async function liveRuns(root: string, pid: number, count: number, startedAt: string): Promise<RunId[]> {
  const store = await openStore(root);
  const identity = identify(pid);
  if (identity === null) throw new Error(`the process ${pid} is gone`);
  const ids: RunId[] = [];
  for (let n = 0; n < count; n++) {
    const id = newRunId();
    const record = runRecord({ id, name: `run ${n}`, state: "running", attempt: 1, created_at: startedAt, started_at: startedAt });
    await store.create(record, { specYaml: "recipe: command\n", resolved: resolvedSpec(id, store.root) });
    const attempt: AttemptRecord = {
      version: 1,
      number: 1,
      kind: "start",
      resumed_from: null,
      launcher: "local",
      command: ["sleep", "120"],
      cwd: "/",
      env: {},
      python: null,
      grace_seconds: 1,
      created_at: startedAt,
    };
    const { dir } = await store.writeAttempt(id, attempt);
    const process: ProcessRecord = { process: identity, supervisor: identity, host: os.hostname(), started_at: startedAt };
    await writeFile(path.join(dir, "process.json"), JSON.stringify(process));
    await writeFile(path.join(dir, "metrics.bin"), Buffer.concat([fileHeader(), setRecord(0, ["loss"]), rowRecord(0, Date.now(), 1, [n])]));
    ids.push(id);
  }
  store.close();
  return ids;
}

export function exitRecord(code: number, endedAt: string): ExitRecord {
  return {
    code,
    signal: null,
    started_at: null,
    ended_at: endedAt,
    escalation: "none",
    launch_error: null,
    peak_rss_bytes: null,
    by: "supervisor",
  };
}
