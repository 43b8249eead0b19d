/** What a fresh server says of a run, against the journal of the training and the bytes that were written. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { ApiClient } from "../../../protocol/client.ts";
import type { WireNumber } from "../../../protocol/json.ts";
import { fromWireNumber } from "../../../protocol/wire-number.ts";
import type { RunDetail, SeriesJson } from "../../../protocol/queries.ts";
import type { RunRecord } from "../../../protocol/run.ts";
import { canTransition, type RunState } from "../../../protocol/states.ts";
import { trueStates, type RunFacts } from "./judge.ts";
import { readWrittenRows } from "./metric-bytes.ts";

/**
 * The rule for a process that got SIGKILL or left through os._exit: what it logged in its last moments may be lost, if it never reached
 * the file. The SDK drains every 50 ms; on a machine with more work than processors its thread may get its turn later.
 */
const LAST_MOMENTS_MS = 500;
const METRICS = ["loss", "square"] as const;

export interface Verdict {
  readonly name: string;
  readonly state: RunState;
  readonly points: number;
  readonly lines: number;
  readonly lostPoints: number;
  readonly lostLines: number;
  /** Logged by a killed process in its last moments and never written: allowed, but counted. */
  readonly neverWritten: number;
  readonly wrongState: boolean;
  /** Everything that is not as it should be, in words. */
  readonly findings: readonly string[];
}

/** @param firstFinal the first final state that any server told of the run */
export async function verifyRun(client: ApiClient, id: string, facts: RunFacts, firstFinal: RunState | null): Promise<Verdict> {
  const run = await client.call("getRun", { params: { id } });
  const findings: string[] = [];
  const points = await comparePoints(client, run, facts, findings);
  const lostLines = await compareLog(client, run, facts, findings);
  const before = findings.length;
  await compareState(client, run, facts, firstFinal, findings);
  const steps = facts.journal.steps.length;
  return {
    name: facts.plan.name,
    state: run.state,
    points: METRICS.length * steps,
    lines: steps,
    ...points,
    lostLines,
    wrongState: findings.length > before,
    findings,
  };
}

async function comparePoints(
  client: ApiClient,
  run: RunDetail,
  facts: RunFacts,
  findings: string[],
): Promise<{ lostPoints: number; neverWritten: number }> {
  const file = path.join(run.run_dir, "attempts", "1", "metrics.bin");
  const written = await readWrittenRows(file);
  const answer: SeriesJson = await client.call("getSeries", {
    params: { id: run.id },
    query: { metrics: METRICS.join(","), max_points: 1_000_000, format: "json" },
  });
  const killed = endedAbruptly(facts);
  const lastSign = facts.journal.steps.at(-1)?.time ?? 0;
  let lostPoints = 0;
  let neverWritten = 0;
  for (const metric of METRICS) {
    const series = answer.series.find((one) => one.name === metric);
    const served = new Map((series?.steps ?? []).map((step, index) => [step, fromWireNumber(series?.values[index] as WireNumber)]));
    if (served.size !== (series?.steps.length ?? 0)) findings.push(`${metric} has steps twice`);
    const rows = new Map(written.filter((row) => metric in row.values).map((row) => [row.step, row.values[metric]]));
    for (const [step, value] of rows)
      if (!Object.is(served.get(step), value)) {
        lostPoints += 1;
        findings.push(`${metric} of step ${step} is ${String(value)} in metrics.bin and ${String(served.get(step))} from the server`);
      }
    for (const { step, time, values } of facts.journal.steps) {
      if (Object.is(rows.get(step), values[metric])) continue;
      if (killed && !rows.has(step) && time >= lastSign - LAST_MOMENTS_MS) neverWritten += 1;
      else {
        lostPoints += 1;
        findings.push(`${metric} of step ${step} was logged as ${String(values[metric])} and written as ${String(rows.get(step))}`);
      }
    }
    // The one after the last in the journal: logged, and killed before it was noted.
    for (const step of served.keys())
      if (step > (facts.journal.steps.at(-1)?.step ?? 0) + 1) findings.push(`${metric} has step ${step}, which was never logged`);
  }
  return { lostPoints, neverWritten };
}

/** Did it end in a way that lets no program put anything in order? */
function endedAbruptly({ journal, kills, plan }: RunFacts): boolean {
  if (journal.ended) return false;
  if (journal.ending === null || journal.ending.how === "hard-exit") return true;
  // Of several ranks that fail, the launcher kills the others in the middle of their own end.
  return plan.ranks > 1 || kills.some((kill) => kill.victim === "training" || kill.victim === "rank");
}

/**
 * What rank 0 printed. Alone, its lines stand by themselves. Several ranks share one pipe, as they would a terminal: the traceback of another one,
 * which Python writes piece by piece, may stand in the same line.
 */
function ownLines(log: string, ranks: number): string[] {
  return ranks > 1 ? (log.match(/rank 0 step \d+: ü\.*/g) ?? []) : log.split("\n").filter((line) => line.startsWith("rank 0 step "));
}

async function compareLog(client: ApiClient, run: RunDetail, facts: RunFacts, findings: string[]): Promise<number> {
  if (run.attempt === 0) return 0;
  const bytes = await client.bytes("getRawLog", { params: { id: run.id }, query: { attempt: 1, length: 16_777_216 } });
  const own = ownLines(Buffer.from(bytes).toString("utf8"), facts.plan.ranks);
  const lost = facts.journal.steps.filter(({ line }, index) => own[index] !== line);
  if (lost.length > 0) findings.push(`${lost.length} lines are not where they belong in the log, the first is "${lost[0]?.line ?? ""}"`);
  return lost.length;
}

async function compareState(
  client: ApiClient,
  run: RunDetail,
  facts: RunFacts,
  firstFinal: RunState | null,
  findings: string[],
): Promise<void> {
  const allowed = trueStates(facts);
  if (!allowed.has(run.state))
    findings.push(`it is ${run.state} (${run.state_reason ?? "no reason"}), but it can only be ${[...allowed].join(" or ")}`);
  if (firstFinal !== null && firstFinal !== run.state) findings.push(`it was told as ${firstFinal} before`);
  if ((run.state_reason ?? "") === "") findings.push("no reason stands beside its state");
  if (run.state === "failed" && run.failure === null) findings.push("it failed, and no failure is kept");
  const killedRank = facts.plan.launcher === "torchrun" ? facts.kills.find((kill) => kill.victim === "rank")?.rank : undefined;
  const said = run.failure?.message ?? "nothing";
  if (killedRank !== undefined && !(said.startsWith(`Rank ${killedRank}: `) && said.includes("SIGKILL")))
    findings.push(`rank ${killedRank} was killed by SIGKILL, and what is said of it is: ${said}`);
  const stored = JSON.parse(await readFile(path.join(run.run_dir, "run.json"), "utf8")) as RunRecord;
  if (stored.state !== run.state) findings.push(`run.json says ${stored.state}, the server says ${run.state}`);

  const { events } = await client.call("listEvents", { params: { id: run.id } });
  let state: RunState | null = null;
  for (const event of events) {
    if (event.type !== "state") continue;
    // A server that was killed between the two writes leaves a change in run.json that the next one's event starts from.
    if (event.from !== null && state !== null && event.from !== state && !canTransition(state, event.from))
      findings.push(`its events go from ${state} to one from ${event.from}`);
    state = event.to;
  }
  const listed = (await client.call("listRuns", { query: { limit: 1000 } })).runs.find((one) => one.id === run.id);
  if (listed?.state !== run.state) findings.push(`the list says ${listed?.state ?? "nothing"}, the run ${run.state}`);
}
