/** The one status-bar item: what is running now, and how many wait. Pure. */
import { counted } from "../../protocol/counted.ts";
import type { Queue } from "../../protocol/queue.ts";
import type { RunLine } from "../../protocol/run-line.ts";
import { formatDuration, formatPercent } from "../runs/format.ts";
import { escapeMarkdown, progressText } from "../runs/run-text.ts";

export interface StatusText {
  readonly text: string;
  readonly tooltip: string;
  readonly spoken: string;
}

/**
 * @param live runs that are starting, running or stopping, newest first
 * @param queue null while it is not known
 * @returns null when nothing runs or waits
 */
export function statusText(live: readonly RunLine[], queue: Pick<Queue, "waiting" | "paused_at"> | null): StatusText | null {
  const newest = live[0];
  const waiting = queue?.waiting.length ?? 0;
  const queued = waiting === 0 ? null : `${String(waiting)} queued${queue?.paused_at == null ? "" : ", paused"}`;
  if (newest === undefined) {
    if (queued === null) return null;
    return { text: `$(list-ordered) ${queued}`, tooltip: `In the queue: ${queued}`, spoken: `Trainyard: ${queued}` };
  }
  const parts = [newest.name.length > 28 ? `${newest.name.slice(0, 27)}…` : newest.name];
  if (newest.progress?.fraction != null) parts.push(formatPercent(newest.progress.fraction));
  if (newest.progress?.eta_seconds != null) parts.push(`· ${formatDuration(newest.progress.eta_seconds)}`);
  if (live.length > 1) parts.push(`+${live.length - 1}`);
  if (queued !== null) parts.push(`· ${queued}`);
  const rows = live.map((run) => {
    const argument = encodeURIComponent(JSON.stringify([run.id]));
    const progress = progressText(run);
    return [
      `**${escapeMarkdown(run.name)}** ${escapeMarkdown(run.state)}${progress === "" ? "" : `, ${progress}`}`,
      `[Dashboard](command:trainyard.openDashboard?${argument}) · [Log](command:trainyard.openLog?${argument}) · [Stop](command:trainyard.stopRun?${argument})`,
    ].join("  \n");
  });
  return {
    // "$(" would start an icon: a run's name must not.
    text: `$(sync~spin) ${parts.join(" ").replaceAll("$(", "$ (")}`,
    tooltip: rows.join("\n\n"),
    spoken: `Trainyard: ${counted(live.length, "run")} in progress${queued === null ? "" : `, ${queued}`}. ${newest.name}, ${progressText(newest)}`,
  };
}
