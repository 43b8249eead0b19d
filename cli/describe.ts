/** Runs as text for people. */
import type { RunDetail } from "../protocol/queries.ts";
import type { RunSummary } from "../protocol/run.ts";
import { FINAL_STATES } from "../protocol/state-kinds.ts";
import { localTime } from "../protocol/local-time.ts";
import { factLines, formatBytes, formatDuration, formatMetric, formatNumber, formatProgress, formatTable, formatValue } from "./format.ts";
import type { RunReport } from "./reader.ts";

export function describeRuns(runs: readonly RunSummary[], total: number): string {
  if (runs.length === 0) return "No runs.";
  const several = runs.some((run) => run.store?.own === false);
  const rows = runs.map((run) => [
    run.id,
    run.state,
    run.name,
    formatProgress(run.progress),
    formatMetric(run),
    localTime(run.created_at),
    ...(several ? [run.store?.name ?? ""] : []),
  ]);
  const table = formatTable(["ID", "STATE", "NAME", "PROGRESS", "METRIC", "CREATED", ...(several ? ["STORE"] : [])], rows);
  return total > runs.length ? `${table}\n(${runs.length} of ${total}; --limit shows more)` : table;
}

/** One line at the end of a run that was followed. */
export function describeOutcome(run: RunDetail): string {
  const parts = [`${run.name} (${run.id}) ${run.state}`, formatProgress(run.progress), formatMetric(run)];
  if (FINAL_STATES.has(run.state) && run.progress !== null) parts.push(formatDuration(run.progress.elapsed_seconds));
  const lines = [parts.filter((part) => part !== "").join(" · ")];
  if (run.state !== "completed" && run.state_reason !== null) lines.push(`  ${run.state_reason}`);
  if (run.failure !== null) lines.push(`  ${run.failure.message}`, `  hint: ${run.failure.advice}`);
  return lines.join("\n");
}

export function describeReport(run: RunReport): string {
  const facts: [string, string | null][] = [
    ["id", run.id],
    ["state", run.state_reason === null ? run.state : `${run.state} (${run.state_reason})`],
    ["failure", run.failure === null ? null : `${run.failure.class}: ${run.failure.message}`],
    ["advice", run.failure?.advice ?? null],
    ["damage", run.damage],
    ["project", run.project],
    ["experiment", run.experiment],
    ["recipe", run.recipe],
    ["parent", run.parent === null ? null : `${run.parent.run}${run.parent.checkpoint === null ? "" : ` at ${run.parent.checkpoint}`}`],
    ["progress", formatProgress(run.progress)],
    ["created", localTime(run.created_at)],
    ["ended", run.ended_at === null ? null : localTime(run.ended_at)],
    ["tags", run.tags.join(", ")],
    [
      "git",
      run.git === null
        ? null
        : `${run.git.commit.slice(0, 12)}${run.git.dirty_files > 0 ? ` with ${run.git.dirty_files} changed files` : ""}`,
    ],
    ["folder", run.run_dir],
  ];
  const sections = [`${run.name}\n${factLines(facts, 12, "  ")}`];
  const params = Object.entries(run.params).map(([key, value]) => [key, formatValue(value)]);
  if (params.length > 0) sections.push(section("Params", formatTable(["NAME", "VALUE"], params)));
  const metrics = Object.entries(run.metrics).map(([name, m]) => [
    name,
    formatNumber(m.first),
    formatNumber(m.last),
    formatNumber(m.min),
    formatNumber(m.max),
    String(m.last_step),
    String(m.count),
  ]);
  if (metrics.length > 0)
    sections.push(section("Metrics", formatTable(["NAME", "FIRST", "LAST", "MIN", "MAX", "STEP", "POINTS"], metrics)));
  const attempts = run.attempts.map((attempt) => [
    String(attempt.number),
    attempt.kind,
    attempt.first_step === null ? "" : `${attempt.first_step}–${attempt.last_step ?? ""}`,
    attempt.exit === null ? "" : (attempt.exit.signal ?? `exit ${attempt.exit.code ?? "unknown"}`),
    attempt.command.join(" "),
  ]);
  if (attempts.length > 0) sections.push(section("Attempts", formatTable(["NUMBER", "KIND", "STEPS", "END", "COMMAND"], attempts)));
  const checkpoints = run.checkpoints.map((checkpoint) => [
    checkpoint.name,
    String(checkpoint.step),
    checkpoint.final ? `${checkpoint.kind}, final` : checkpoint.kind,
    checkpoint.problem === null ? checkpoint.status : `${checkpoint.status}: ${checkpoint.problem}`,
    formatBytes(checkpoint.size_bytes),
    checkpoint.tags.map(({ tag }) => tag).join(", "),
  ]);
  if (checkpoints.length > 0)
    sections.push(section("Checkpoints", formatTable(["NAME", "STEP", "KIND", "STATUS", "SIZE", "TAGS"], checkpoints)));
  return sections.join("\n\n");
}

function section(title: string, table: string): string {
  return `${title}\n${table.replace(/^/gm, "  ")}`;
}
