/** What a run looks like in a list: headline value, description, tooltip, icon, spoken label. Pure, so that it is tested without a window. */
import type { RunStatistics } from "../../protocol/analysis.ts";
import { counted } from "../../protocol/counted.ts";
import type { FailureClass, RunSummary } from "../../protocol/run.ts";
import type { RunLine } from "../../protocol/run-line.ts";
import type { RunState } from "../../protocol/states.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import { formatCount, formatDuration, formatPercent, formatValue, sparkline } from "./format.ts";

/** Codicon and colour of a state; the colours are theme tokens. */
export interface StateLook {
  readonly icon: string;
  readonly color: string | null;
  readonly label: string;
}

const LOOKS: Readonly<Record<RunState, StateLook>> = {
  draft: { icon: "edit", color: null, label: "Draft" },
  queued: { icon: "watch", color: "testing.iconQueued", label: "Queued" },
  starting: { icon: "sync~spin", color: "charts.blue", label: "Starting" },
  running: { icon: "sync~spin", color: "charts.blue", label: "Running" },
  stopping: { icon: "sync~spin", color: "charts.yellow", label: "Stopping" },
  completed: { icon: "pass", color: "testing.iconPassed", label: "Completed" },
  failed: { icon: "error", color: "testing.iconFailed", label: "Failed" },
  cancelled: { icon: "circle-slash", color: "testing.iconSkipped", label: "Cancelled" },
  interrupted: { icon: "warning", color: "list.warningForeground", label: "Interrupted" },
};

const DAMAGED: StateLook = { icon: "warning", color: "list.warningForeground", label: "Damaged" };

export function stateLook(run: Pick<RunLine, "state" | "damage">): StateLook {
  return run.damage === null ? LOOKS[run.state] : DAMAGED;
}

/**
 * The grey text beside the run's name.
 * @param trend newest values of the headline metric, oldest first; drawn only while the run is live
 */
export function runDescription(run: RunLine, trend: readonly number[]): string {
  if (run.damage !== null) return "damaged";
  const value = run.headline === null ? null : formatValue(run.headline.last);
  const fraction = run.progress?.fraction ?? null;
  const percent = fraction === null ? null : formatPercent(fraction);
  const at = run.progress === null ? "" : ` at ${formatCount(run.progress.step)}`;
  switch (run.state) {
    case "draft":
      return "draft";
    case "queued":
      return run.state_reason ?? "queued";
    case "starting":
      return "starting";
    case "running": {
      const line = sparkline(trend);
      const step = percent ?? (run.progress === null ? null : `step ${formatCount(run.progress.step)}`);
      const facts = [value, step].filter((part) => part !== null).join(" · ");
      return [line, facts].filter((part) => part !== "").join(" ");
    }
    case "stopping":
      return ["stopping", percent].filter((part) => part !== null).join(" · ");
    case "completed":
      return value ?? "";
    case "failed":
      return run.failure_class === null ? `failed${at}` : `${FAILURE_WORDS[run.failure_class]}${at}`;
    case "cancelled":
    case "interrupted":
      return `${run.state}${at}`;
  }
}

const FAILURE_WORDS: Readonly<Record<FailureClass, string>> = {
  out_of_memory_gpu: "out of GPU memory",
  out_of_memory_host: "out of memory",
  nan_loss: "loss is NaN",
  disk_full: "disk full",
  nccl: "NCCL error",
  killed: "killed",
  segfault: "crashed",
  import_error: "import error",
  missing_file: "missing file",
  bad_argument: "bad argument",
  exception: "exception",
  launch_error: "did not start",
  unknown: "failed",
};

/** "68 %, 27 min 55 s left" as a sentence part; empty when nothing is known. */
export function progressText(run: Pick<RunLine, "progress">): string {
  const progress = run.progress;
  if (progress === null) return "";
  const steps = `step ${formatCount(progress.step)}${progress.max_steps === null ? "" : ` of ${formatCount(progress.max_steps)}`}`;
  const parts = [steps];
  if (progress.fraction !== null) parts.push(formatPercent(progress.fraction));
  if (progress.eta_seconds !== null) parts.push(`about ${formatDuration(progress.eta_seconds)} left`);
  return parts.join(", ");
}

/** The store of a run that lies in another one than the window's own. */
export function originText(run: Pick<RunLine, "store">): string | null {
  return run.store?.name ?? null;
}

/** What a screen reader says: no block characters, the state in words. */
export function runSpoken(run: RunLine): string {
  const parts = [run.name, stateLook(run).label.toLowerCase()];
  if (LIVE_STATES.has(run.state)) {
    const progress = progressText(run);
    if (progress !== "") parts.push(progress);
  } else if (run.state_reason !== null) parts.push(run.state_reason);
  if (run.headline !== null) parts.push(`${run.headline.name} ${formatValue(run.headline.last)}`);
  if (run.starred) parts.push("starred");
  const origin = originText(run);
  if (origin !== null) parts.push(`in the store ${origin}`);
  return parts.join(", ");
}

const MAX_TOOLTIP_METRICS = 8;

/** Markdown for the hover. Everything that a run brings along is escaped: a name must not become a link. */
export function runTooltip(run: RunSummary): string {
  const lines = [`**${escapeMarkdown(run.name)}** — ${stateLook(run).label}`, ""];
  if (run.damage !== null) lines.push(escapeMarkdown(run.damage), "");
  const reason = run.failure?.message ?? run.state_reason;
  if (reason !== null) lines.push(escapeMarkdown(reason), "");
  if (run.failure !== null) lines.push(escapeMarkdown(run.failure.advice), "");
  const progress = progressText(run);
  if (progress !== "") lines.push(progress, "");
  const metrics = Object.entries(run.metrics).filter(([name]) => !name.startsWith("_"));
  if (metrics.length > 0) {
    lines.push("| metric | last | best seen |", "|:--|--:|--:|");
    for (const [name, m] of metrics.slice(0, MAX_TOOLTIP_METRICS)) {
      const best = /loss|error|perplexity/.test(name) ? [m.min, m.min_step] : [m.max, m.max_step];
      lines.push(
        `| ${escapeMarkdown(name)} | ${formatValue(m.last)} | ${formatValue(best[0] ?? m.last)} at ${formatCount(Number(best[1]))} |`,
      );
    }
    lines.push("");
    if (metrics.length > MAX_TOOLTIP_METRICS) lines.push(`and ${metrics.length - MAX_TOOLTIP_METRICS} more`, "");
  }
  const facts = [
    `Recipe ${escapeMarkdown(run.recipe)}`,
    run.attempt > 1 ? `attempt ${run.attempt}` : null,
    run.checkpoint_count > 0 ? counted(run.checkpoint_count, "checkpoint") : null,
    run.seed === null ? null : `seed ${run.seed}`,
    run.git === null
      ? null
      : `commit ${run.git.commit.slice(0, 8)}${run.git.dirty_files > 0 ? ` + ${counted(run.git.dirty_files, "changed file")}` : ""}`,
  ].filter((fact) => fact !== null);
  lines.push(facts.join(" · "));
  if (run.parent !== null)
    lines.push("", `Forked from ${run.parent.run}${run.parent.step === null ? "" : ` at step ${formatCount(run.parent.step)}`}`);
  if (run.store?.own === false)
    lines.push("", `In the store **${escapeMarkdown(run.store.name)}** (${escapeMarkdown(run.store.path)}), shown here and changed there`);
  if (run.tags.length > 0) lines.push("", run.tags.map((tag) => `\`${tag.replace(/`/g, "'")}\``).join(" "));
  return lines.join("\n");
}

export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>~$&]/g, "\\$&").replace(/\s+/g, " ");
}

/** `18 runs, 17 completed, 1 failed · 3 h 05 min of training · 90 checkpoints`: what the runs of a project add up to. */
export function statisticsText({ runs, states, training_seconds: seconds, checkpoints }: RunStatistics): string {
  const byState = Object.entries(states).map(([state, number]) => `${formatCount(number)} ${state}`);
  return [
    [counted(runs, "run"), ...byState].join(", "),
    ...(seconds > 0 ? [`${formatDuration(seconds)} of training`] : []),
    ...(checkpoints > 0 ? [counted(checkpoints, "checkpoint")] : []),
  ].join(" · ");
}
