/** Several runs side by side: legend, charts, differences. */
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import { counted } from "../../protocol/counted.ts";
import type { RunId } from "../../protocol/ids.ts";
import { ChartSync } from "../charts/chart-sync.ts";
import { icon } from "../components/icons.ts";
import "../components/offline.ts";
import { pageStyles } from "../components/page-styles.ts";
import { moveRegionFocus } from "../components/regions.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import "./compare-charts.ts";
import { CompareModel } from "./compare-model.ts";
import { type CompareSettings, DEFAULT_COMPARE } from "./compare-settings.ts";
import "./differences-table.ts";
import "./legend.ts";

@customElement("ty-compare")
export class Compare extends LitElement {
  static override styles = [
    ...baseStyles,
    pageStyles,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        grid-template-rows: auto auto minmax(auto, 1fr) auto;
        overflow: auto;
      }
      .head {
        border-bottom: 1px solid var(--hairline);
      }
      .metric {
        display: inline-flex;
        align-items: center;
        gap: 8px;
        margin-left: auto;
        font-size: 12px;
        min-width: 0;
      }
      .metric select {
        max-width: 220px;
      }
      ty-compare-legend {
        max-height: 30vh;
        border-bottom: 1px solid var(--hairline);
      }
      ty-compare-charts {
        min-height: 240px;
      }
      ty-differences {
        max-height: 32vh;
        border-top: 1px solid var(--hairline);
      }
      @container page (max-width: 720px) {
        ty-differences {
          max-height: none;
        }
        ty-compare-charts {
          min-height: 460px;
        }
      }
    `,
  ];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) runs: readonly RunId[] = [];
  /** What an earlier session of this panel set up. */
  @property({ attribute: false }) saved: Partial<CompareSettings> = {};
  /** What could not be done last. */
  @state() private problem: string | null = null;
  @query("ty-compare-legend") private legend!: HTMLElement;
  @query("ty-compare-charts") private charts!: HTMLElement;
  @query("ty-differences") private differences!: HTMLElement;
  readonly #sync = new ChartSync();
  #model: CompareModel | null = null;
  #title = "";
  #kept: CompareSettings | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("metric-select", this.#onMetric);
    this.addEventListener("keydown", this.#onKey);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#model?.close();
    this.#model = null;
    this.removeEventListener("metric-select", this.#onMetric);
    this.removeEventListener("keydown", this.#onKey);
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (this.#model !== null && !changed.has("runs") && !changed.has("transport")) return;
    this.#model?.close();
    this.problem = null;
    const model = new CompareModel(this.transport, this.runs, { ...DEFAULT_COMPARE, ...this.saved });
    model.smoothBy(this.#sync.settings.value.smoothing);
    this.#model = model;
    this.#kept = model.settings;
    model.onChange(() => {
      this.requestUpdate();
      this.#keep(model);
    });
    model.open();
  }

  /** Tells whoever keeps this panel's state; only what the user changed, never with each point. */
  #keep(model: CompareModel): void {
    if (model.settings === this.#kept) return;
    this.#kept = model.settings;
    this.dispatchEvent(new CustomEvent("view-state", { detail: model.settings, bubbles: true, composed: true }));
  }

  override render(): TemplateResult | typeof nothing {
    const model = this.#model;
    if (model === null) return nothing;
    const { entries, metric, metrics, connection, problems } = model;
    const runs = entries.reduce((sum, entry) => sum + entry.runs.length, 0);
    const sets = entries.filter((entry) => entry.runs.length > 1).length;
    const projects = [...new Set(entries.flatMap((entry) => entry.runs.map((run) => run.project)))];
    this.#setTitle(`Compare (${String(model.runs.length)})`);
    return html`<div class="head">
        <h1>Compare</h1>
        <span class="secondary" data-testid="compare-summary"
          >${counted(runs, "run")}${sets === 0 ? "" : `, ${counted(sets, "set")} of replicates`}${
            projects.length === 0 ? "" : ` in ${projects.join(", ")}`
          }</span
        >
        <ty-offline .transport=${this.transport}></ty-offline>
        <label class="metric"
          >Legend shows
          <select
            class="input"
            data-testid="legend-metric"
            @change=${(event: Event) => {
              model.change({ metric: (event.target as HTMLSelectElement).value });
            }}
          >
            ${metrics.map((name) => html`<option value=${name} ?selected=${name === metric}>${name}</option>`)}
          </select></label
        >
        <button
          class="icon-button"
          data-testid="export-runs"
          aria-label="Export"
          title="Export: a report of this comparison, Parquet, CSV…"
          ?disabled=${connection.state !== "connected"}
          @click=${() => {
            this.transport.command({ command: "export_runs", runs: [...this.runs] });
          }}
        >
          ${icon("export")}
        </button>
        ${problems.length === 0 ? nothing : html`<div class="problem" role="alert">${problems.join("; ")}</div>`}
        ${this.problem === null ? nothing : html`<div class="problem" role="alert" data-testid="compare-problem">${this.problem}</div>`}
      </div>
      ${
        // Legend and differences are as high as what they show: drawn empty they would move the charts once it is known.
        model.loaded ? this.#body(model) : html`<div class="loading" role="progressbar" aria-label="Loading the runs"></div>`
      }`;
  }

  #body(model: CompareModel): unknown {
    return keyed(
      model,
      html`<ty-compare-legend .model=${model}></ty-compare-legend>
        <ty-compare-charts
          .model=${model}
          .sync=${this.#sync}
          @chart-exported=${(event: CustomEvent<string>) => {
            this.problem = event.detail === "" ? null : event.detail;
          }}
        ></ty-compare-charts>
        <ty-differences .model=${model}></ty-differences>`,
    );
  }

  #setTitle(title: string): void {
    if (title === this.#title) return;
    this.#title = title;
    this.transport.setTitle(title);
  }

  readonly #onMetric = (event: Event): void => {
    this.#model?.change({ metric: (event as CustomEvent<string>).detail });
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    moveRegionFocus(event, [this.legend, this.charts, this.differences]);
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-compare": Compare;
  }
}
