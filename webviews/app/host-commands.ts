/** What a plain browser does with the commands that VS Code would carry out. */
import type { RunId, SweepId } from "../../protocol/ids.ts";
import { saveFile } from "../components/save-file.ts";
import type { SimpleHostCommand, Transport } from "../transport/transport.ts";

/** ms: a gigabyte from a slow disk takes its time. */
const DOWNLOAD_TIMEOUT_MS = 600_000;

export interface PageActions {
  openRun(run: RunId): void;
  openCompare(runs: readonly RunId[]): void;
  openSweep(sweep: SweepId | null): void;
  openSystem(): void;
  openNewSweep(from: RunId | null): void;
  openExplore(project: string | null, filter: string): void;
  openPlot(project: string | null, filter: string): void;
  /** Asks for the checkpoint, the mode and changed parameters. */
  askResume(run: RunId, mode: "continue" | "fork", checkpoint: string | null): void;
  /** Shows a sentence to the user. */
  say(text: string): void;
}

/** @throws TrainyardError what the server refused */
export async function runHostCommand(command: SimpleHostCommand, transport: Transport, page: PageActions): Promise<void> {
  switch (command.command) {
    case "open_run":
      page.openRun(command.run);
      break;
    case "compare_runs":
      page.openCompare(command.runs);
      break;
    case "export_runs": {
      const report = await transport.bytes("exportRuns", { query: { runs: command.runs.join(","), format: "html" } });
      const name = command.runs.length === 1 ? (command.runs[0] ?? "run") : `compare-${String(command.runs.length)}-runs`;
      saveFile(`${name}.html`, new Blob([new Uint8Array(report)], { type: "text/html" }));
      break;
    }
    case "save_artifact": {
      const bytes = await transport.bytes("getArtifact", {
        params: { id: command.run },
        query: { path: command.path },
        timeoutMs: DOWNLOAD_TIMEOUT_MS,
      });
      // Never a type that a browser would open: the file is whatever a training wrote.
      saveFile(command.path.split("/").at(-1) ?? "artifact", new Blob([new Uint8Array(bytes)], { type: "application/octet-stream" }));
      break;
    }
    case "open_explore":
      page.openExplore(command.project, command.filter);
      break;
    case "open_plot":
      page.openPlot(command.project, command.filter);
      break;
    case "open_sweep":
      page.openSweep(command.sweep);
      break;
    case "open_system":
      page.openSystem();
      break;
    case "new_sweep":
      page.openNewSweep(command.from);
      break;
    case "resume_run":
      page.askResume(command.run, "continue", command.checkpoint);
      break;
    case "fork_run":
      page.askResume(command.run, "fork", command.checkpoint);
      break;
    case "cancel_run":
      await transport.request("cancelRun", { params: { id: command.run }, body: {} });
      break;
    case "copy":
      await navigator.clipboard.writeText(command.text);
      page.say("Copied");
      break;
    case "save_spec":
      saveFile(command.suggested_name, new Blob([command.yaml], { type: "application/yaml" }));
      break;
    case "open_log": {
      const bytes = await transport.bytes("getRawLog", {
        params: { id: command.run },
        query: { attempt: command.attempt, length: 16_777_216 },
      });
      saveFile(`${command.run}-${String(command.attempt)}.log`, new Blob([new Uint8Array(bytes)], { type: "text/plain" }));
      break;
    }
    case "save_document":
    case "open_as_text":
    case "diff_code":
      // A page without an editor shows drafts alone, and offers no comparison in one.
      break;
    case "reveal":
      page.say(command.path);
      break;
  }
}
