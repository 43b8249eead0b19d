/** Shows the store's notices, each in one window only: whoever claims it first. The focused window goes ahead of the others. */
import { setTimeout as delay } from "node:timers/promises";
import * as vscode from "vscode";
import type { Notice } from "../protocol/notices.ts";
import type { RunBoard } from "./runs/board.ts";
import { noticeActions } from "./runs/notice-actions.ts";
import type { ServerConnection } from "./server/connection.ts";
import { readSettings } from "./settings.ts";

/** How long a window in the background waits for the one that the user looks at. */
const BACKGROUND_MS = 1_500;

export class Notifications implements vscode.Disposable {
  readonly #connection: ServerConnection;
  readonly #board: RunBoard;
  readonly #log: (text: string) => void;
  readonly #subscriptions: { dispose(): void }[];
  #listening = false;

  constructor(connection: ServerConnection, board: RunBoard, log: (text: string) => void) {
    this.#connection = connection;
    this.#board = board;
    this.#log = log;
    // Listening opens a connection and so would start a server: it waits until there is one.
    this.#subscriptions = [
      connection.onState(({ kind }) => {
        if (kind === "connected") this.#listen();
      }),
    ];
  }

  dispose(): void {
    for (const each of this.#subscriptions) each.dispose();
  }

  #listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    const subscription = this.#connection.subscribe(
      { topic: "notices" },
      {
        onMessage: (message) => {
          if (message.type !== "notice") return;
          this.#consider(message.notice).catch((error: unknown) => {
            this.#log(`a notice could not be shown: ${String(error)}`);
          });
        },
      },
    );
    this.#subscriptions.push({
      dispose: () => {
        subscription.close();
      },
    });
  }

  async #consider(notice: Notice): Promise<void> {
    const wanted = readSettings()?.notifications ?? "off";
    if (wanted === "off" || (wanted === "failures" && notice.kind === "finished")) return;
    if (!vscode.window.state.focused) await delay(BACKGROUND_MS);
    const api = await this.#connection.api();
    const { claimed } = await api.call("claimNotice", { params: { notice: notice.id } });
    if (claimed) await this.#show(notice);
  }

  async #show(notice: Notice): Promise<void> {
    const actions = noticeActions(notice, (run) => this.#board.run(run)?.forkable === true);
    const text = [notice.message, notice.hint].filter((part) => part !== null).join(" ");
    const chosen =
      notice.kind === "finished"
        ? await vscode.window.showInformationMessage(text, ...actions.map(({ title }) => title))
        : notice.kind === "failed"
          ? await vscode.window.showErrorMessage(text, ...actions.map(({ title }) => title))
          : await vscode.window.showWarningMessage(text, ...actions.map(({ title }) => title));
    const action = actions.find(({ title }) => title === chosen);
    if (action !== undefined) await vscode.commands.executeCommand(action.command, ...action.arguments);
  }
}
