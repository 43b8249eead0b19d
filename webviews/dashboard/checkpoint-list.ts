/** The run's checkpoints with what can be done from each. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import type { Checkpoint, CheckpointStatus } from "../../protocol/artifact.ts";
import type { RunId } from "../../protocol/ids.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";
import { formatBytes, formatInteger, formatValue, formatWhen, UNKNOWN } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { moveRowFocus } from "../components/row-focus.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import "./retention-dialog.ts";
import type { RetentionDialog } from "./retention-dialog.ts";

const STATUS_NOTES: Readonly<Record<CheckpointStatus, string>> = {
  complete: "",
  writing: "being written",
  torn: "incomplete",
  missing: "pruned",
};

export type CheckpointAction = "resume" | "fork" | "copy" | "reveal";

@customElement("ty-checkpoint-list")
export class CheckpointList extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        display: block;
        font-size: 12px;
        border-top: 1px solid var(--hairline);
        padding: 6px 0 10px;
      }
      h2 {
        display: flex;
        gap: 8px;
        margin: 0;
        padding: 0 12px;
        height: 26px;
        line-height: 26px;
        font-size: 12px;
        font-weight: 600;
      }
      h2 .secondary,
      .none {
        font-weight: 400;
        font-size: 11px;
      }
      .clean {
        margin-left: auto;
        font-weight: 400;
      }
      .none {
        padding: 0 12px;
      }
      .row {
        display: grid;
        grid-template-columns: 20px 54px 62px minmax(0, 1fr) auto;
        align-items: center;
        gap: 4px;
        width: 100%;
        height: 22px;
        padding: 0 12px;
        text-align: left;
      }
      .row:hover {
        background: var(--hover);
      }
      .row[aria-selected="true"] {
        color: var(--vscode-list-activeSelectionForeground);
        background: var(--vscode-list-activeSelectionBackground);
        --secondary: currentColor;
      }
      .row.gone {
        opacity: 0.55;
      }
      .row .icon {
        font-size: 14px;
      }
      .details {
        margin-top: 8px;
        padding: 10px 12px 0;
        border-top: 1px solid var(--hairline);
      }
      .path {
        overflow-wrap: anywhere;
        margin: 2px 0 8px;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 6px;
      }
      .actions .button {
        height: 24px;
        padding: 0 8px;
      }
    `,
  ];

  @property({ attribute: false }) checkpoints: readonly Checkpoint[] = [];
  @property({ attribute: false }) selected: string | null = null;
  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) run!: RunId;
  /** A run that is live cannot be continued; a fork is always possible. */
  @property({ type: Boolean }) live = false;
  /** Why nothing can be changed now, or null. */
  @property({ attribute: false }) blocked: string | null = null;

  @query("ty-retention-dialog") private retention!: RetentionDialog;

  override render(): TemplateResult {
    const chosen =
      this.checkpoints.find((checkpoint) => checkpoint.id === this.selected) ?? this.checkpoints.find((c) => c.status === "complete");
    return html`
      <h2>
        Checkpoints <span class="secondary">${this.checkpoints.length === 0 ? "" : String(this.checkpoints.length)}</span>
        ${
          this.checkpoints.some((checkpoint) => checkpoint.status !== "missing")
            ? html`<button
                class="link clean"
                data-testid="clean-up"
                title=${this.blocked ?? "Remove checkpoints by a rule; shows first what would go"}
                ?disabled=${this.blocked !== null}
                @click=${() => void this.retention.ask()}
              >
                Clean up…
              </button>`
            : nothing
        }
      </h2>
      ${this.checkpoints.length === 0 ? html`<div class="none secondary">${this.live ? "Appear here as they are saved" : "The run saved none"}</div>` : nothing}
      <div role="listbox" aria-label="Checkpoints" @keydown=${this.#onKey}>
        ${this.checkpoints.map((checkpoint) => this.#row(checkpoint, checkpoint === chosen))}
      </div>
      ${chosen === undefined ? nothing : this.#details(chosen)}
      <ty-retention-dialog
        .transport=${this.transport}
        .run=${this.run}
        .checkpoints=${this.checkpoints}
        .blocked=${this.blocked}
      ></ty-retention-dialog>
    `;
  }

  #row(checkpoint: Checkpoint, chosen: boolean): TemplateResult {
    const loss = Object.entries(checkpoint.metrics).find(([name]) => name.endsWith("loss"))?.[1];
    const note = STATUS_NOTES[checkpoint.status];
    const gone = checkpoint.status === "missing" || checkpoint.status === "torn";
    return html`<button
      class="row ${gone ? "gone" : ""}"
      role="option"
      aria-selected=${chosen ? "true" : "false"}
      tabindex=${chosen ? "0" : "-1"}
      title=${checkpoint.problem ?? checkpoint.name}
      data-testid="checkpoint-row"
      data-step=${checkpoint.step}
      data-status=${checkpoint.status}
      @click=${() => {
        this.#select(checkpoint.id);
      }}
    >
      ${gone ? html`<span aria-hidden="true">${UNKNOWN}</span>` : icon(checkpoint.status === "writing" ? "sync" : "bookmark", checkpoint.status === "writing")}
      <b>${formatInteger(checkpoint.step)}</b>
      <span>${loss === undefined ? "" : formatValue(fromWireNumber(loss))}</span>
      <span class="truncate"
        >${checkpoint.final ? html`<span class="tag">final</span> ` : nothing}${checkpoint.kind === "full" ? nothing : html`<span class="tag">${checkpoint.kind} only</span>`}</span
      >
      <span class="secondary">${note === "" ? formatBytes(checkpoint.size_bytes) : note}</span>
    </button>`;
  }

  #details(checkpoint: Checkpoint): TemplateResult {
    const complete = checkpoint.status === "complete";
    return html`<div class="details">
      <div>
        <b>${checkpoint.name}</b> <span class="secondary">saved ${formatWhen(checkpoint.created_at)}${complete ? " · verified" : ""}</span>
      </div>
      <div class="path secondary">${checkpoint.problem ?? checkpoint.path}</div>
      <div class="actions">
        ${
          checkpoint.resumable
            ? this.#action("resume", "Resume", "debug-restart", checkpoint, this.live, this.live ? "The run is still going" : "")
            : nothing
        }
        ${checkpoint.forkable ? this.#action("fork", "Fork", "repo-forked", checkpoint, false) : nothing}
        ${this.#action("copy", "Copy path", "copy", checkpoint, false)}
        ${this.transport.host === "vscode" ? this.#action("reveal", "Reveal", "folder-opened", checkpoint, checkpoint.status === "missing") : nothing}
      </div>
    </div>`;
  }

  #action(
    action: CheckpointAction,
    label: string,
    symbol: Parameters<typeof icon>[0],
    checkpoint: Checkpoint,
    disabled: boolean,
    reason = "",
  ): TemplateResult {
    const changes = action === "resume" || action === "fork";
    const why = changes && this.blocked !== null ? this.blocked : reason;
    return html`<button
      class="button"
      ?disabled=${disabled || (changes && this.blocked !== null)}
      title=${why}
      data-testid="checkpoint-${action}"
      @click=${() => {
        this.#run(action, checkpoint);
      }}
    >
      ${icon(symbol)} ${label}
    </button>`;
  }

  #run(action: CheckpointAction, checkpoint: Checkpoint): void {
    if (action === "copy") this.transport.command({ command: "copy", text: checkpoint.path });
    else if (action === "reveal") this.transport.command({ command: "reveal", path: checkpoint.path });
    else this.dispatchEvent(new CustomEvent(`${action}-from`, { detail: checkpoint.id, bubbles: true, composed: true }));
  }

  #select(id: string): void {
    this.dispatchEvent(new CustomEvent("checkpoint-select", { detail: id, bubbles: true, composed: true }));
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    const next = moveRowFocus(event, [...this.renderRoot.querySelectorAll<HTMLElement>(".row")]);
    const id = next === null ? undefined : this.checkpoints[next]?.id;
    if (id !== undefined) this.#select(id);
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-checkpoint-list": CheckpointList;
  }
}
