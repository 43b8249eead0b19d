/** The SYSTEM view: GPUs, CPU, memory and disk of the machine where the runs are. Samples are asked for only while it is visible. */
import * as vscode from "vscode";
import type { SystemSample } from "../../protocol/system.ts";
import type { Disposable } from "../emitter.ts";
import type { ServerConnection, Subscription } from "../server/connection.ts";
import type { WarningLimits } from "../warning-limits.ts";
import { systemRows, type SystemRow } from "./system-text.ts";

const STALE_MS = 10_000;

export class SystemView implements vscode.TreeDataProvider<SystemRow>, vscode.Disposable {
  readonly #connection: ServerConnection;
  readonly #limits: WarningLimits;
  readonly #watch: Disposable;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  #sample: { readonly value: SystemSample; readonly received: number } | null = null;
  #subscription: Subscription | null = null;
  #watchdog: NodeJS.Timeout | null = null;
  #stale = false;

  constructor(connection: ServerConnection, limits: WarningLimits) {
    this.#connection = connection;
    this.#limits = limits;
    this.#watch = limits.onChange(() => {
      this.#changed.fire(undefined);
    });
  }

  setVisible(visible: boolean): void {
    if (!visible) {
      this.#stop();
      return;
    }
    this.#connection.connect();
    this.#subscription ??= this.#connection.subscribe(
      { topic: "system" },
      {
        onMessage: (message) => {
          if (message.type !== "system") return;
          this.#sample = { value: message.sample, received: Date.now() };
          this.#stale = false;
          this.#changed.fire(undefined);
        },
      },
    );
    this.#watchdog ??= setInterval(() => {
      const stale = this.#sample !== null && Date.now() - this.#sample.received > STALE_MS;
      if (stale !== this.#stale) {
        this.#stale = stale;
        this.#changed.fire(undefined);
      }
    }, 2000);
  }

  getChildren(row?: SystemRow): SystemRow[] {
    return row !== undefined || this.#sample === null ? [] : systemRows(this.#sample.value, this.#stale, this.#limits.current);
  }

  getTreeItem(row: SystemRow): vscode.TreeItem {
    const item = new vscode.TreeItem(row.label);
    item.id = row.id;
    item.iconPath = new vscode.ThemeIcon(row.icon, row.warns ? new vscode.ThemeColor("list.warningForeground") : undefined);
    item.description = row.description;
    item.tooltip = row.tooltip;
    item.command = { command: "trainyard.openSystem", title: "Open System History" };
    item.accessibilityInformation = { label: row.spoken };
    return item;
  }

  dispose(): void {
    this.#stop();
    this.#watch.dispose();
    this.#changed.dispose();
  }

  #stop(): void {
    this.#subscription?.close();
    this.#subscription = null;
    if (this.#watchdog !== null) clearInterval(this.#watchdog);
    this.#watchdog = null;
  }
}
