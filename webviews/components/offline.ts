/** What every page says while it is not connected: what it shows is of then. Takes no room otherwise. */
import { css, html, LitElement, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { type Connection, isOffline, type Transport } from "../transport/transport.ts";
import { formatClock } from "./format.ts";
import { icon } from "./icons.ts";
import { baseStyles } from "./styles.ts";

/** Why it is not connected, where trying goes in vain. @param shown when what is shown was true, ms since the epoch; null when nothing is */
export function offlineText(connection: Connection, shown: number | null): string {
  if (connection.state === "failed") return connection.detail ?? "Not connected to the run server";
  return shown === null ? "Reconnecting" : `Reconnecting, last update ${formatClock(shown)}`;
}

@customElement("ty-offline")
export class Offline extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        display: inline-flex;
        align-items: center;
        gap: 4px;
        min-width: 0;
        font-size: 12px;
        color: var(--vscode-charts-yellow);
      }
      :host([hidden]) {
        display: none;
      }
      .icon {
        flex: none;
      }
    `,
  ];

  @property({ attribute: false }) transport!: Transport;
  #stop: (() => void) | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.role = "status";
    this.hidden = true;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
    this.#stop = null;
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("transport") || this.#stop === null) {
      this.#stop?.();
      this.#stop = this.transport.onConnection(() => {
        this.requestUpdate();
      });
    }
    this.hidden = !isOffline(this.transport.connection);
  }

  override render(): TemplateResult {
    const { connection } = this.transport;
    const text = isOffline(connection) ? offlineText(connection, connection.since) : "";
    return html`${icon("debug-disconnect")}<span class="truncate" title=${text}>${text}</span>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-offline": Offline;
  }
}
