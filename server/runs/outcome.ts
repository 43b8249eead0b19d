/** How a run ended, from everything that is known of it. Pure: the exit code alone says little (see docs/architecture.md). */
import { counted } from "../../protocol/counted.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { ReportRecord } from "../../protocol/report.ts";
import type { ExitRecord, StopRequest } from "../../protocol/run.ts";

export type EndRecord = Extract<ReportRecord, { type: "end" }>;
export type PlanRecord = Extract<ReportRecord, { type: "plan" }>;
export type Outcome = "completed" | "failed" | "cancelled" | "interrupted";

export interface Evidence {
  /** The supervisor's word; null when nobody saw the end. */
  readonly exit: ExitRecord | null;
  readonly stop: StopRequest | null;
  /** The SDK's own end marker. */
  readonly end: EndRecord | null;
  readonly plan: Pick<PlanRecord, "max_steps"> | null;
  /** Newest step that was reported. */
  readonly lastStep: number | null;
  /** The machine has started again since the process did. */
  readonly rebooted: boolean;
  /** Was there ever a process? */
  readonly started: boolean;
  /** The process ran on another machine, of which nothing was heard for long. */
  readonly silentHost?: string | null;
}

export interface Decision {
  readonly state: Outcome;
  /** One sentence. */
  readonly reason: string;
  readonly evidence: JsonObject;
}

/** Signals by which others ask a process to end: a shutdown, another scheduler, a person at a terminal. They are no fault of the training. */
const REQUESTS = new Set(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGPWR"]);

export function decideOutcome(known: Evidence): Decision {
  const { exit, end, plan, lastStep } = known;
  const stop = stopThatCounts(known);
  const evidence: JsonObject = {
    exit_code: exit?.code ?? null,
    signal: exit?.signal ?? null,
    escalation: exit?.escalation ?? null,
    end_marker: end?.status ?? null,
    stop_requested: stop !== null,
    last_step: lastStep,
    max_steps: plan?.max_steps ?? null,
    rebooted: known.rebooted,
  };
  const decide = (state: Outcome, reason: string): Decision => ({ state, reason, evidence });

  if (exit?.launch_error != null) return decide("failed", `The process could not be started: ${exit.launch_error}.`);

  const seen = exit !== null && (exit.code !== null || exit.signal !== null);
  const clean = !seen || (exit.code === 0 && exit.signal === null);
  if (stop !== null) {
    if (end?.status === "completed" && clean) return decide("completed", "The training reached its end before the stop took effect.");
    return decide("cancelled", `Stopped: ${stop.reason}${stopDetail(exit, end)}.`);
  }
  if (seen && exit.signal !== null) {
    if (REQUESTS.has(exit.signal)) return decide("interrupted", `Ended by ${exit.signal} from outside, which nobody asked for here.`);
    return decide("failed", `Ended by ${exit.signal}.`);
  }
  if (seen && exit.code !== 0) {
    const error = end?.error ?? null;
    const after = end?.status === "completed" ? " after the training had reported its end" : "";
    return decide("failed", error === null ? `Exit code ${String(exit.code)}${after}.` : `${error.type}: ${firstLine(error.message)}`);
  }
  // From here on: exit code 0, or nobody saw the exit.
  if (end?.status === "completed") return decide("completed", end.reason ?? "The training reported its end.");
  if (end?.status === "failed")
    return decide(
      "failed",
      end.error === null ? (end.reason ?? "The training reported a failure.") : `${end.error.type}: ${firstLine(end.error.message)}`,
    );
  if (end?.status === "cancelled") return decide("cancelled", end.reason ?? "The training ended itself early.");
  if (seen) {
    const target = plan?.max_steps ?? null;
    if (target !== null && (lastStep ?? 0) < target)
      return decide(
        "interrupted",
        `Exit code 0, but only ${String(lastStep ?? 0)} of ${counted(target, "step")} done and no end was reported.`,
      );
    return decide("completed", "Exit code 0.");
  }
  if (known.silentHost != null) return decide("interrupted", `It ran on ${known.silentHost}, from where nothing was heard for an hour.`);
  if (!known.started) return decide("interrupted", "The process was never started: the server ended while it was about to.");
  if (known.rebooted) return decide("interrupted", "The machine was started again while it ran.");
  return decide("interrupted", "The process is gone, and nobody saw how it ended (its supervisor was killed too).");
}

/** A stop that came after the process had ended by itself did not end it. */
function stopThatCounts({ exit, stop }: Evidence): StopRequest | null {
  if (stop === null || exit?.escalation !== "none") return stop;
  return Date.parse(exit.ended_at) < Date.parse(stop.requested_at) ? null : stop;
}

function stopDetail(exit: ExitRecord | null, end: EndRecord | null): string {
  if (exit?.escalation === "sigkill") return " (it had to be killed)";
  if (end?.status === "failed") return ` (while stopping: ${end.error === null ? "it reported a failure" : firstLine(end.error.message)})`;
  return "";
}

export function firstLine(text: string): string {
  const line = text.trim().split("\n")[0] ?? "";
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}
