/** The runs of the store, newest first, kept current by the stream. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { RunId } from "../../protocol/ids.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";
import type { RunLine } from "../../protocol/run-line.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import { formatPercent, formatValue, formatWhen } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { moveRowFocus } from "../components/row-focus.ts";
import { stateIcon, stateLabel, stateStyles } from "../components/state-icon.ts";
import { baseStyles } from "../components/styles.ts";
import type { Subscription, Transport } from "../transport/transport.ts";

@customElement("ty-run-list")
export class RunList extends LitElement {
  static override styles = [
    ...baseStyles,
    stateStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
        font-size: 13px;
      }
      .search {
        display: flex;
        align-items: center;
        gap: 4px;
        padding: 8px 12px 8px 8px;
      }
      .search input {
        flex: 1;
      }
      .runs {
        flex: 1;
        min-height: 0;
        overflow: auto;
      }
      h2 {
        margin: 0;
        padding: 4px 12px;
        font-size: 11px;
        font-weight: 600;
        line-height: 18px;
        color: var(--secondary);
      }
      .run {
        display: grid;
        grid-template-columns: 16px minmax(0, 1fr) auto;
        align-items: center;
        gap: 6px;
        width: 100%;
        height: 24px;
        padding: 0 12px;
        text-align: left;
      }
      .row {
        position: relative;
      }
      /* Shown where the pointer or the focus is, and on every row once one is ticked. */
      .row input {
        position: absolute;
        left: 12px;
        top: 4px;
        opacity: 0;
        cursor: pointer;
      }
      .row:hover input,
      .row input:focus-visible,
      .ticking .row input {
        opacity: 1;
      }
      .row:hover .state,
      .row:focus-within .state,
      .ticking .row .state {
        opacity: 0;
      }
      .row:not(:hover):has(.run:focus) .state {
        opacity: 1;
      }
      .ticked {
        display: flex;
        align-items: center;
        gap: 6px;
        padding: 6px 12px;
        border-top: 1px solid var(--hairline);
      }
      .ticked span {
        flex: 1;
      }
      .run:hover {
        background: var(--hover);
      }
      .run[aria-current="page"] {
        background: var(--vscode-list-inactiveSelectionBackground);
      }
      .run .note {
        font-size: 11px;
      }
      .none {
        padding: 8px 12px;
      }
    `,
  ];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) selected: RunId | null = null;
  @state() private runs: readonly RunLine[] | null = null;
  @state() private search = "";
  @state() private ticked: ReadonlySet<RunId> = new Set();
  #subscription: Subscription | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#subscription = this.transport.subscribe(
      { topic: "runs" },
      {
        message: (message) => {
          if (message.type === "runs") this.#set(message.runs);
          else if (message.type === "runs_changed") {
            const changed = new Set([...message.runs.map(({ id }) => id), ...message.removed]);
            this.#set([...(this.runs ?? []).filter(({ id }) => !changed.has(id)), ...message.runs]);
          }
        },
      },
    );
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#subscription?.close();
  }

  #set(runs: readonly RunLine[]): void {
    // Ids sort by creation.
    this.runs = [...runs].sort((a, b) => (a.id < b.id ? 1 : -1));
    this.dispatchEvent(new CustomEvent("runs-changed", { detail: this.runs, bubbles: true, composed: true }));
  }

  override render(): TemplateResult {
    const { runs } = this;
    const needle = this.search.toLowerCase();
    const shown = (runs ?? []).filter(
      (run) => !run.archived && `${run.name} ${run.tags.join(" ")} ${run.recipe}`.toLowerCase().includes(needle),
    );
    const projects = [...new Set(shown.map((run) => run.project))];
    return html`
      <div class="search">
        <button
          class="icon-button"
          title="Explore all runs in a table"
          aria-label="Explore all runs in a table"
          data-testid="explore-runs"
          @click=${() => this.dispatchEvent(new CustomEvent("runs-explore", { bubbles: true, composed: true }))}
        >
          ${icon("table")}
        </button>
        <button
          class="icon-button"
          title="Sweeps"
          aria-label="Sweeps"
          data-testid="open-sweeps"
          @click=${() => this.dispatchEvent(new CustomEvent("runs-sweeps", { bubbles: true, composed: true }))}
        >
          ${icon("layers")}
        </button>
        <input
          class="input"
          type="search"
          placeholder="Search runs"
          aria-label="Search runs"
          .value=${this.search}
          @input=${(event: InputEvent) => {
            this.search = (event.target as HTMLInputElement).value;
          }}
        />
      </div>
      <nav class="runs ${this.ticked.size > 0 ? "ticking" : ""}" aria-label="Runs" data-testid="run-list" @keydown=${this.#onKey}>
        ${runs === null ? nothing : runs.length === 0 ? html`<div class="none secondary">No runs yet. Start one with New run.</div>` : nothing}
        ${projects.map(
          (project) =>
            html`<h2>${project}</h2>
              ${repeat(
                shown.filter((run) => run.project === project),
                (run) => run.id,
                (run) => this.#run(run),
              )}`,
        )}
      </nav>
      ${this.ticked.size > 0 ? this.#tickedBar() : nothing}
    `;
  }

  #tickedBar(): TemplateResult {
    const ticked = [...this.ticked];
    return html`<div class="ticked">
      <span>${String(ticked.length)} selected</span>
      <button
        class="icon-button"
        title="Clear the selection"
        aria-label="Clear the selection"
        @click=${() => {
          this.ticked = new Set();
        }}
      >
        ${icon("close")}
      </button>
      <button
        class="button"
        data-testid="compare-runs"
        ?disabled=${ticked.length < 2}
        @click=${() => this.dispatchEvent(new CustomEvent("runs-compare", { detail: ticked, bubbles: true, composed: true }))}
      >
        ${icon("git-compare")} Compare
      </button>
    </div>`;
  }

  #tick(run: RunId): void {
    const next = new Set(this.ticked);
    if (!next.delete(run)) next.add(run);
    this.ticked = next;
  }

  #run(run: RunLine): TemplateResult {
    const value = run.headline === null ? null : formatValue(fromWireNumber(run.headline.last));
    const note = LIVE_STATES.has(run.state)
      ? `${value === null ? "" : `${value} · `}${formatPercent(run.progress?.fraction ?? null, 0)}`
      : (value ?? formatWhen(run.created_at));
    return html`<div class="row">
      <button
        class="run"
        aria-current=${run.id === this.selected ? "page" : nothing}
        aria-label="${run.name}, ${stateLabel(run.state)}, ${note}"
        title=${run.state_reason ?? stateLabel(run.state)}
        data-testid="run-row"
        data-run=${run.id}
        data-state=${run.state}
        @click=${(event: MouseEvent) => {
          if (event.ctrlKey || event.metaKey) this.#tick(run.id);
          else this.dispatchEvent(new CustomEvent("run-select", { detail: run.id, bubbles: true, composed: true }));
        }}
      >
        ${run.damage === null ? stateIcon(run.state) : icon("warning")}<span class="truncate">${run.name}</span
        ><span class="note secondary">${note}</span>
      </button>
      <input
        type="checkbox"
        tabindex="-1"
        aria-label="Select ${run.name}"
        data-testid="run-tick"
        .checked=${this.ticked.has(run.id)}
        @change=${() => {
          this.#tick(run.id);
        }}
      />
    </div>`;
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    moveRowFocus(event, [...this.renderRoot.querySelectorAll<HTMLElement>(".run")]);
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-run-list": RunList;
  }
}
