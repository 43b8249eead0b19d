/** Tells when a run that this window started has ended. The list survives a reload of the window. */
import * as vscode from "vscode";
import { RunId } from "../protocol/ids.ts";
import type { RunSummary } from "../protocol/run.ts";
import { FINAL_STATES } from "../protocol/states.ts";
import type { RunBoard } from "./runs/board.ts";
import { formatDuration } from "./runs/format.ts";
import { readSettings } from "./settings.ts";

const KEY = "startedRuns";
const MAX_REMEMBERED = 200;

export class Notifications implements vscode.Disposable {
  readonly #memory: vscode.Memento;
  readonly #watch: { dispose(): void };

  constructor(memory: vscode.Memento, board: RunBoard) {
    this.#memory = memory;
    this.#watch = board.onChange((change) => {
      if (change.kind === "run") void this.#consider(change.run);
      else if (change.kind === "reset") for (const run of board.runs()) void this.#consider(run);
    });
  }

  /** This window started it: its end is told here and in no other window. */
  async remember(id: RunId): Promise<void> {
    await this.#memory.update(KEY, [...this.#started().filter((known) => known !== id), id].slice(-MAX_REMEMBERED));
  }

  dispose(): void {
    this.#watch.dispose();
  }

  async #consider(run: RunSummary): Promise<void> {
    if (!FINAL_STATES.has(run.state) || !this.#started().includes(run.id)) return;
    await this.#memory.update(
      KEY,
      this.#started().filter((id) => id !== run.id),
    );
    if (run.state === "cancelled" || readSettings()?.notifyWhenRunEnds !== true) return;
    const text = endText(run);
    const actions = ["Open Dashboard", "Open Log"] as const;
    const chosen =
      run.state === "completed"
        ? await vscode.window.showInformationMessage(text, ...actions)
        : await vscode.window.showErrorMessage(text, ...actions);
    if (chosen !== undefined)
      await vscode.commands.executeCommand(chosen === "Open Log" ? "trainyard.openLog" : "trainyard.openDashboard", run.id);
  }

  #started(): RunId[] {
    const stored: unknown = this.#memory.get(KEY);
    return Array.isArray(stored) ? stored.filter((id): id is RunId => RunId.safeParse(id).success) : [];
  }
}

function endText(run: RunSummary): string {
  if (run.state === "completed") {
    const seconds = run.progress?.elapsed_seconds;
    return `${run.name} has completed${seconds === undefined ? "" : ` after ${formatDuration(seconds)}`}.`;
  }
  const why = run.failure?.message ?? run.state_reason;
  const sentence = `${run.name} ${run.state === "failed" ? "has failed" : "was interrupted"}${why === null ? "" : `: ${why}`}`;
  return `${sentence.replace(/\.$/, "")}.${run.failure === null ? "" : ` ${run.failure.advice}`}`;
}
