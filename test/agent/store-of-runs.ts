/** A store with runs as trainings leave them. */
import { mkdir, writeFile } from "node:fs/promises";
import type { JsonObject } from "../../protocol/json.ts";
import type { RunRecord } from "../../protocol/run.ts";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import type { LiveServer } from "../http/live-server.ts";

export interface TrainedRun extends Partial<RunRecord> {
  readonly params: JsonObject;
  /** One row per step, from step 1 on. */
  readonly rows: readonly Readonly<Record<string, number>>[];
  readonly log?: string;
}

/** @returns the run's id */
export async function addTrained(live: LiveServer, { params, rows, log = "", ...fields }: TrainedRun): Promise<string> {
  const { paths, record } = await live.addRun(fields);
  const attempt = paths.attempt(1);
  await mkdir(attempt.dir, { recursive: true });
  await writeFile(attempt.reportJsonl, `${JSON.stringify({ type: "params", time: 1_767_225_600, params })}\n`);
  await writeFile(attempt.log, log);
  const metrics = await MetricFileWriter.open(attempt.metrics);
  for (const [index, row] of rows.entries()) await metrics.append(1_767_225_600_000 + index * 1000, index + 1, { ...row });
  await metrics.close();
  return record.id;
}
