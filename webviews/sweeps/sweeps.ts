/** Sweeps: one of them, or the list of all. */
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { SweepId } from "../../protocol/ids.ts";
import type { SweepSummary } from "../../protocol/sweep.ts";
import { formatWhen } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import "../components/offline.ts";
import { pageStyles, scrollingPageStyles } from "../components/page-styles.ts";
import { asProblem, problemText } from "../components/problem.ts";
import { moveRowFocus } from "../components/row-focus.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import "./sweep-view.ts";
import { countsText, stateTitle } from "./sweep-view.ts";

@customElement("ty-sweeps")
export class Sweeps extends LitElement {
  static override styles = [
    ...baseStyles,
    pageStyles,
    scrollingPageStyles,
    css`
      .head .button {
        margin-left: auto;
      }
      .one {
        display: grid;
        grid-template-columns: 16px minmax(0, 1fr) auto auto;
        align-items: center;
        gap: 0 10px;
        width: 100%;
        min-height: 32px;
        padding: 4px 14px 4px 20px;
        text-align: left;
      }
      .one:hover {
        background: var(--hover);
      }
      .one .note {
        grid-column: 2 / -1;
        font-size: 11px;
      }
      .problem {
        padding: 8px 20px;
      }
    `,
  ];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) sweep: SweepId | null = null;
  @state() private sweeps: readonly SweepSummary[] | null = null;
  @state() private problems: readonly string[] = [];

  override willUpdate(changed: PropertyValues<this>): void {
    if (this.sweep === null && (changed.has("sweep") || changed.has("transport"))) void this.#load();
  }

  override render(): TemplateResult {
    if (this.sweep !== null) return html`<ty-sweep-view .transport=${this.transport} .sweep=${this.sweep}></ty-sweep-view>`;
    const { sweeps } = this;
    return html`<div class="head">
        <h1>Sweeps</h1>
        <span class="secondary">one document, many runs</span>
        <ty-offline .transport=${this.transport}></ty-offline>
        <button
          class="button"
          data-testid="new-sweep"
          @click=${() => {
            this.transport.command({ command: "new_sweep", from: null });
          }}
        >
          ${icon("add")} New sweep
        </button>
      </div>
      ${this.problems.map((problem) => html`<div class="problem" role="alert" data-testid="sweeps-problem">${problem}</div>`)}
      ${sweeps?.length === 0 ? html`<div class="none secondary" data-testid="sweeps-none">No sweep yet. New sweep opens the form with a section that says what to vary.</div>` : nothing}
      <nav aria-label="Sweeps" @keydown=${this.#onKey}>${sweeps?.map((sweep) => this.#row(sweep))}</nav>`;
  }

  #row(sweep: SweepSummary): TemplateResult {
    return html`<button
      class="one"
      data-testid="sweep-row"
      data-sweep=${sweep.id}
      @click=${() => {
        this.transport.command({ command: "open_sweep", sweep: sweep.id });
      }}
    >
      ${icon("layers")}<span class="truncate">${sweep.name}</span><span class="tag">${stateTitle(sweep.state)}</span
      ><span class="secondary">${formatWhen(sweep.created_at)}</span>
      <span class="note secondary">${sweep.project} · ${sweep.recipe} · ${countsText(sweep)} of ${String(sweep.run_count)}</span>
    </button>`;
  }

  async #load(): Promise<void> {
    this.transport.setTitle("Sweeps");
    try {
      const { sweeps, problems } = await this.transport.request("listSweeps", { query: {} });
      this.sweeps = sweeps;
      this.problems = problems.map(({ message }) => message);
    } catch (error) {
      this.problems = [problemText(asProblem(error))];
    }
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    moveRowFocus(event, [...this.renderRoot.querySelectorAll<HTMLElement>(".one")]);
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-sweeps": Sweeps;
  }
}
