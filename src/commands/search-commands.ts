/** A text in the logs of all runs, of a project, or of one run. */
import * as vscode from "vscode";
import type { Host } from "../host.ts";
import { stripEscapes } from "../documents/log-text.ts";
import { projectOf, runOf } from "./arguments.ts";

const MOST = 200;

export async function searchLogs(host: Host, ...args: unknown[]): Promise<void> {
  const [run, project] = [runOf(args), projectOf(args)];
  const where = run !== null ? (host.board.run(run)?.name ?? run) : (project ?? "all runs");
  const search = await vscode.window.showInputBox({ title: `Search the logs of ${where}`, prompt: "A text, whatever its case" });
  if (search === undefined || search === "") return;
  const api = await host.connection.api();
  const query = { search, context: 2, limit: MOST, ...(run === null ? {} : { run }), ...(project === null ? {} : { project }) };
  const { matches, truncated } = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: "Searching the logs…" },
    () => api.call("searchLogs", { query }),
  );
  if (matches.length === 0) {
    void vscode.window.showInformationMessage(`“${search}” is in no log of ${where}.`);
    return;
  }
  const items = matches.map((match) => ({
    label: stripEscapes(match.line.text).trim(),
    description: `${match.name}, line ${(match.line.number + 1).toLocaleString("en-US")}`,
    detail: [...match.before, match.line, ...match.after].map((line) => stripEscapes(line.text).trim()).join(" ⏎ "),
    match,
  }));
  const placeHolder = truncated
    ? `The first ${String(matches.length)}; choose one to open the log there`
    : "Choose one to open the log there";
  const chosen = await vscode.window.showQuickPick(items, {
    title: `“${search}” in the logs of ${where}`,
    placeHolder,
    matchOnDescription: true,
  });
  if (chosen === undefined) return;
  const { match } = chosen;
  await host.logs.show(match.run, match.line.attempt, match.name, match.line.number);
}
