/**
 * Open Log: the run's log as a read-only document with carriage returns applied and colours taken out, drawn anew while the run lives.
 * `trainyard-log:/<run>/<attempt>/<name>.log`, of a range of time with `?<start>/<end>` in ms, either of which may be empty.
 */
import * as vscode from "vscode";
import type { RunId } from "../../protocol/ids.ts";
import { outputTimes, timesOf, type AskLog } from "../../protocol/log-times.ts";
import type { LogLine } from "../../protocol/queries.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import type { OutputTimes, TimeRange } from "../../protocol/time-range.ts";
import type { RunBoard } from "../runs/board.ts";
import type { ServerConnection } from "../server/connection.ts";
import { logText } from "./log-text.ts";
import { asFileName } from "./server-documents.ts";

export const LOG_SCHEME = "trainyard-log";
const PAGE = 500;
const MAX_PAGES = 20;
const REFRESH_MS = 2000;

export class LogDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #connection: ServerConnection;
  readonly #board: RunBoard;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #disposables: vscode.Disposable[];
  /** By address of a document: earlier lines of the log that it leaves out. */
  readonly #hidden = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;

  constructor(connection: ServerConnection, board: RunBoard) {
    this.#connection = connection;
    this.#board = board;
    this.#disposables = [
      vscode.workspace.registerTextDocumentContentProvider(LOG_SCHEME, this),
      vscode.window.onDidChangeVisibleTextEditors(() => {
        this.#schedule();
      }),
      vscode.workspace.onDidChangeTextDocument((event) => {
        if (event.document.uri.scheme === LOG_SCHEME) followEnd(event);
      }),
    ];
  }

  /** @param line of the attempt's log, 0-based; the end of the log without one */
  async show(run: RunId, attempt: number | null, name: string, line: number | null = null): Promise<void> {
    const number = attempt ?? Math.max(1, this.#board.run(run)?.attempt ?? 1);
    const { editor, uri } = await this.#open(run, number, name, "");
    const { document } = editor;
    const hidden = this.#hidden.get(uri.toString()) ?? 0;
    // A line that says what is left out stands above the others.
    const at = line === null ? document.lineCount - 1 : Math.max(0, line - hidden + (hidden > 0 ? 1 : 0));
    const { end } = document.lineAt(Math.min(at, document.lineCount - 1)).range;
    editor.selection = new vscode.Selection(end, end);
    editor.revealRange(new vscode.Range(end, end), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    this.#schedule();
  }

  /** When the newest attempt of a run wrote its output, which is what ranges of time are counted from. */
  async times(run: RunId): Promise<OutputTimes> {
    const api = await this.#connection.api();
    const ask: AskLog = (query) => api.call("getLog", { params: { id: run }, query });
    return outputTimes(ask, this.#mayGrow(run));
  }

  /** Only what the newest attempt wrote in a range of time. */
  async showRange(run: RunId, name: string, { start, end }: TimeRange): Promise<void> {
    const attempt = Math.max(1, this.#board.run(run)?.attempt ?? 1);
    await this.#open(run, attempt, name, `${start ?? ""}/${end ?? ""}`);
    this.#schedule();
  }

  async #open(run: RunId, attempt: number, name: string, query: string): Promise<{ editor: vscode.TextEditor; uri: vscode.Uri }> {
    const uri = vscode.Uri.from({ scheme: LOG_SCHEME, path: `/${run}/${attempt}/${asFileName(name)}.log`, query });
    this.#changed.fire(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    return { editor: await vscode.window.showTextDocument(document, { preview: true }), uri };
  }

  #mayGrow(run: RunId): boolean {
    const state = this.#board.run(run)?.state;
    return state === undefined || LIVE_STATES.has(state);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const { run, attempt, range } = partsOf(uri);
    const api = await this.#connection.api();
    const page = async (number: number): Promise<{ lines: LogLine[]; total: number }> =>
      api.call("getLog", { params: { id: run }, query: { attempt, page: number, page_size: PAGE, ...timesOf(range) } });
    const first = await page(1);
    const pages = Math.max(1, Math.ceil(first.total / PAGE));
    const from = Math.max(1, pages - MAX_PAGES + 1);
    const lines = from === 1 ? [...first.lines] : [];
    for (let number = Math.max(2, from); number <= pages; number++) lines.push(...(await page(number)).lines);
    const hidden = (from - 1) * PAGE;
    this.#hidden.set(uri.toString(), hidden);
    return logText(lines, hidden, range);
  }

  dispose(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const each of this.#disposables) each.dispose();
    this.#changed.dispose();
  }

  /** Draws the visible logs of live runs anew, and once more after the end. */
  #schedule(): void {
    if (this.#timer !== null) return;
    const uris = visibleLogs().filter((uri) => this.#mayGrow(partsOf(uri).run));
    if (uris.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      for (const uri of uris) this.#changed.fire(uri);
      this.#schedule();
    }, REFRESH_MS);
  }
}

function visibleLogs(): vscode.Uri[] {
  return vscode.window.visibleTextEditors.map((editor) => editor.document.uri).filter((uri) => uri.scheme === LOG_SCHEME);
}

function partsOf(uri: vscode.Uri): { run: RunId; attempt: number; range: TimeRange } {
  const [, run = "", attempt = "1"] = uri.path.split("/");
  const [start = null, end = null] = uri.query.split("/").map((text) => (text === "" ? null : Number(text)));
  return { run, attempt: Number(attempt), range: { start, end } };
}

/** A cursor on the last line means "follow"; anywhere else the reader is left alone. */
function followEnd(event: vscode.TextDocumentChangeEvent): void {
  const editor = vscode.window.visibleTextEditors.find((each) => each.document === event.document);
  if (editor === undefined || event.contentChanges.length === 0) return;
  const last = event.document.lineCount - 1;
  const grown = event.contentChanges.reduce((sum, change) => sum + change.text.split("\n").length - 1, 0);
  if (editor.selection.active.line < last - grown - 1) return;
  const end = event.document.lineAt(last).range.end;
  editor.selection = new vscode.Selection(end, end);
  editor.revealRange(new vscode.Range(end, end));
}
