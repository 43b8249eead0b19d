/** Folders of runs that live, as a server and supervisors left them; all of one process, which belongs to the test. */
import { writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import type { ProcessRecord } from "../../protocol/run.ts";
import { identify } from "../../server/launch/platform.ts";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";
import { openStore } from "../../server/store/store.ts";
import { attemptRecord, resolvedSpec, runRecord } from "../store/fixtures.ts";

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
    const attempt = attemptRecord({ command: ["sleep", "120"], created_at: startedAt });
    const { dir } = await store.writeAttempt(id, attempt);
    const process: ProcessRecord = { process: identity, supervisor: identity, host: os.hostname(), started_at: startedAt };
    await writeFile(path.join(dir, "process.json"), JSON.stringify(process));
    await writeFile(path.join(dir, "metrics.bin"), Buffer.concat([fileHeader(), setRecord(0, ["loss"]), rowRecord(0, Date.now(), 1, [n])]));
    ids.push(id);
  }
  store.close();
  return ids;
}
