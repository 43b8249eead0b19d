/** The run that an agent names. */
import type { ApiClient } from "../client.ts";
import { RunId } from "../ids.ts";
import { selectRun } from "../select-run.ts";
import type { RunSummary } from "../run.ts";

const PAGE = 1000;

/** @throws TrainyardError not_found | conflict */
export async function findRunId(api: ApiClient, text: string): Promise<RunId> {
  const id = RunId.safeParse(text);
  if (id.success) return id.data;
  const runs: RunSummary[] = [];
  for (;;) {
    const page = await api.call("listRuns", { query: { limit: PAGE, offset: runs.length } });
    runs.push(...page.runs);
    if (runs.length >= page.total || page.runs.length === 0) return selectRun(runs, text);
  }
}
