/** Commands that write runs into files for other programs and readers. */
import { mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import * as vscode from "vscode";
import type { ApiClient } from "../../protocol/client.ts";
import { EXPORT_EXTENSIONS, type ExportFormat } from "../../protocol/export.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { Host } from "../host.ts";
import { formatBytes } from "../runs/format.ts";
import { readSettings } from "../settings.ts";
import { revealPath } from "./reveal.ts";
import { checkpointOf, chooseRun, chooseRuns } from "./arguments.ts";

interface Choice extends vscode.QuickPickItem {
  readonly format: ExportFormat;
}

const CHOICES: readonly Choice[] = [
  { format: "html", label: "Report (HTML)", detail: "Curves, metrics, params and environment on one page that opens without a network" },
  { format: "parquet", label: "Parquet", detail: "Every point, with provenance inside; for pandas, DuckDB and Polars" },
  { format: "arrow", label: "Arrow", detail: "The same as an Arrow IPC file" },
  { format: "long", label: "CSV, one point per line", detail: "Run, metric, step, time and value; for any tool" },
  { format: "wide", label: "CSV, one column per metric", detail: "A line per step, as spreadsheets want it" },
  { format: "jsonl", label: "JSON lines", detail: "All that is known of the runs, and every point" },
  { format: "tensorboard", label: "TensorBoard", detail: "A folder with an event file per run" },
  { format: "archive", label: "Archive", detail: "A zip of the run folders with everything in them, to be imported elsewhere" },
];
const EXPORT_TIMEOUT_MS = 3_600_000;

/** Of a checkpoint of the tree, or of a run: its final model or newest checkpoint with an adapter. */
export async function exportAdapter(host: Host, ...args: unknown[]): Promise<void> {
  const checkpoint = checkpointOf(args);
  const run = await chooseRun(host, args, (each) => each.damage === null && each.checkpoint_count > 0, "Export Adapter");
  if (run === null) return;
  const title = checkpoint === null ? run.name : `${run.name}, ${checkpoint.name}`;
  const base = readSettings()?.baseDir;
  const folder = await vscode.window.showOpenDialog({
    title: `Empty folder for the adapter of ${title}`,
    openLabel: "Export Here",
    canSelectFiles: false,
    canSelectFolders: true,
    ...(base === undefined ? {} : { defaultUri: vscode.Uri.file(base) }),
  });
  const to = folder?.[0]?.fsPath;
  if (to === undefined) return;
  const api = await host.connection.api();
  const exported = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `Exporting the adapter of ${title}` },
    () =>
      api.call("exportAdapter", {
        params: { id: run.id },
        body: { to, ...(checkpoint === null ? {} : { checkpoint: checkpoint.id }) },
        timeoutMs: EXPORT_TIMEOUT_MS,
      }),
  );
  const answer = await vscode.window.showInformationMessage(
    `Exported ${exported.checkpoint ?? "the final model"} (${formatBytes(exported.size_bytes)}) with a draft of its model card.`,
    "Open Model Card",
    "Reveal",
  );
  const card = vscode.Uri.file(path.join(exported.folder, "README.md"));
  if (answer === "Open Model Card") await vscode.window.showTextDocument(card);
  else if (answer === "Reveal") await revealPath(exported.folder);
}

export async function exportRun(host: Host, ...args: unknown[]): Promise<void> {
  const runs = await chooseRuns(host, args, (each) => each.damage === null, "Export Run");
  const [first] = runs;
  if (first === undefined) return;
  const ids = runs.map((run) => run.id);
  await exportRuns(host, ids, runs.length === 1 ? first.name : `${first.name} and ${String(runs.length - 1)} more`);
}

/** Asks for format and place, writes, and offers to open what was written. */
export async function exportRuns(host: Host, runs: readonly RunId[], title: string): Promise<void> {
  const choice = await vscode.window.showQuickPick(CHOICES, { title: `Export ${title}`, placeHolder: "Choose a format" });
  const target = choice === undefined ? null : await askPlace(choice.format, title);
  if (choice === undefined || target === null) return;
  const api = await host.connection.api();
  const bytes = await withByteCount(`Exporting ${title}`, async (report, signal) => {
    for (const part of partsOf(choice.format, runs, target))
      await writeWhole(part.file, await request(api, choice.format, part.runs, signal), report);
  });
  if (bytes === null) return;
  // Browsers open reports; a folder of event files and binary tables have no editor.
  const action = choice.format === "html" ? "Open" : "Reveal";
  const answer = await vscode.window.showInformationMessage(`Exported ${title} (${formatBytes(bytes)}).`, action);
  if (answer === "Open") await vscode.env.openExternal(vscode.Uri.file(target));
  else if (answer === "Reveal") await vscode.commands.executeCommand("revealFileInOS", vscode.Uri.file(target));
}

/** Asks where to, and writes one file that the run produced there, piece by piece: it may be larger than the memory. */
export async function saveArtifact(host: Host, run: RunId, artifact: string): Promise<void> {
  const name = path.posix.basename(artifact);
  const base = readSettings()?.baseDir;
  const target = await vscode.window.showSaveDialog({
    title: `Download ${name}`,
    ...(base === undefined ? {} : { defaultUri: vscode.Uri.file(path.join(base, path.basename(name))) }),
  });
  if (target === undefined) return;
  const api = await host.connection.api();
  const bytes = await withByteCount(`Downloading ${name}`, async (report, signal) => {
    const pieces = await api.pieces("getArtifact", {
      params: { id: run },
      query: { path: artifact },
      timeoutMs: EXPORT_TIMEOUT_MS,
      signal,
    });
    await writeWhole(target.fsPath, pieces, report);
  });
  if (bytes === null) return;
  const answer = await vscode.window.showInformationMessage(`Downloaded ${name} (${formatBytes(bytes)}).`, "Reveal");
  if (answer === "Reveal") await vscode.commands.executeCommand("revealFileInOS", target);
}

/** Shows how much has been written, with a way to stop. @returns bytes; null when it was stopped */
function withByteCount(
  title: string,
  write: (report: (more: number) => void, signal: AbortSignal) => Promise<void>,
): Thenable<number | null> {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    async (progress, token) => {
      const stop = new AbortController();
      token.onCancellationRequested(() => {
        stop.abort();
      });
      let written = 0;
      const report = (more: number): void => {
        written += more;
        progress.report({ message: formatBytes(written) });
      };
      try {
        await write(report, stop.signal);
      } catch (error) {
        if (!token.isCancellationRequested) throw error;
      }
      return token.isCancellationRequested ? null : written;
    },
  );
}

function request(api: ApiClient, format: ExportFormat, runs: readonly RunId[], signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  return api.pieces("exportRuns", { query: { runs: runs.join(","), format, metrics: "*" }, timeoutMs: EXPORT_TIMEOUT_MS, signal });
}

/** An event file holds one run; everything else holds all of them. */
function partsOf(format: ExportFormat, runs: readonly RunId[], target: string): { runs: readonly RunId[]; file: string }[] {
  if (format !== "tensorboard") return [{ runs, file: target }];
  return runs.map((id) => ({ runs: [id], file: path.join(target, id, `events.out.tfevents.0.${id}`) }));
}

async function askPlace(format: ExportFormat, title: string): Promise<string | null> {
  const base = readSettings()?.baseDir;
  const name = title.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|-+$/g, "") || "run";
  if (format === "tensorboard") {
    const folder = await vscode.window.showOpenDialog({
      title: "Folder for the event files",
      openLabel: "Export Here",
      canSelectFiles: false,
      canSelectFolders: true,
      ...(base === undefined ? {} : { defaultUri: vscode.Uri.file(base) }),
    });
    return folder?.[0]?.fsPath ?? null;
  }
  const extension = EXPORT_EXTENSIONS[format];
  const file = await vscode.window.showSaveDialog({
    title: `Export ${title}`,
    filters: { [extension.toUpperCase()]: [extension] },
    ...(base === undefined ? {} : { defaultUri: vscode.Uri.file(path.join(base, `${name}.${extension}`)) }),
  });
  return file?.fsPath ?? null;
}

/** Writes beside the file and takes its place at the end: an export that is stopped leaves no half file behind. */
async function writeWhole(file: string, pieces: AsyncIterable<Uint8Array>, onBytes: (more: number) => void): Promise<void> {
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true });
  const unfinished = path.join(folder, `.${path.basename(file)}.${String(process.pid)}.part`);
  try {
    const handle = await open(unfinished, "w");
    try {
      for await (const bytes of pieces) {
        await handle.writeFile(bytes);
        onBytes(bytes.length);
      }
    } finally {
      await handle.close();
    }
    await rename(unfinished, file);
  } finally {
    await rm(unfinished, { force: true });
  }
}
