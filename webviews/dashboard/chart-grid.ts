/** Chart toolbar and the grid of metric charts. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { type Annotations, NO_ANNOTATIONS } from "../charts/annotations.ts";
import { type ChartSync, type XAxis } from "../charts/chart-sync.ts";
import "../charts/line-chart.ts";
import { SLOT_COUNT } from "../charts/palette.ts";
import { cssProperties } from "../components/css-vars.ts";
import { icon } from "../components/icons.ts";
import { baseStyles } from "../components/styles.ts";
import { type ChartPlace, GRID_COLUMNS, placeCharts } from "./chart-layout.ts";
import { filterMetrics, isEvaluation, isExact, orderMetrics } from "./metrics.ts";
import type { RunModel } from "./run-model.ts";

const AXES: readonly (readonly [XAxis, string])[] = [
  ["step", "Step"],
  ["wall", "Wall time"],
  ["relative", "Relative"],
];
/** What stands before the first point: the loss that nearly every training reports. */
const PLACEHOLDERS = ["loss"];

const WHOLE_ROW: ChartPlace = { span: GRID_COLUMNS, lead: false };

@customElement("ty-chart-grid")
export class ChartGrid extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
        position: relative;
        container: charts / inline-size;
      }
      .toolbar {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 8px;
        min-height: 34px;
        padding: 4px 14px 4px 20px;
        border-bottom: 1px solid var(--hairline);
        font-size: 12px;
      }
      .smoothing {
        display: inline-flex;
        align-items: center;
        gap: 8px;
        margin-left: 6px;
      }
      input[type="range"] {
        appearance: none;
        width: 76px;
        height: 16px;
        background: none;
        cursor: pointer;
      }
      input[type="range"]::-webkit-slider-runnable-track {
        height: 3px;
        border-radius: 2px;
        background: color-mix(in srgb, var(--vscode-progressBar-background) 60%, transparent);
      }
      input[type="range"]::-webkit-slider-thumb {
        appearance: none;
        width: 10px;
        height: 10px;
        margin-top: -3.5px;
        border-radius: 50%;
        background: var(--vscode-progressBar-background);
      }
      .filter {
        position: relative;
        margin-left: auto;
        display: flex;
        align-items: center;
      }
      .filter .icon {
        position: absolute;
        left: 6px;
        font-size: 14px;
      }
      .filter input {
        width: 176px;
        padding-left: 24px;
      }
      .charts {
        flex: 1;
        min-height: 0;
        overflow: auto;
        display: grid;
        grid-template-columns: repeat(6, minmax(0, 1fr));
        grid-auto-rows: minmax(min-content, 1fr);
      }
      .charts ty-line-chart {
        grid-column: span var(--of-three);
        min-height: 216px;
        border-bottom: 1px solid var(--hairline);
        border-right: 1px solid var(--hairline);
      }
      .charts ty-line-chart.lead {
        min-height: 268px;
      }
      .none {
        grid-column: 1 / -1;
        padding: 20px;
      }
      /* A chart is at least about 300 px wide. */
      @container charts (max-width: 920px) {
        .charts ty-line-chart {
          grid-column: span var(--of-two);
          min-height: 200px;
        }
      }
      @container charts (max-width: 610px) {
        .charts ty-line-chart,
        .charts ty-line-chart.lead {
          grid-column: 1 / -1;
          min-height: 200px;
        }
        .filter {
          margin-left: 0;
          flex: 1;
        }
        .filter input {
          width: 100%;
        }
      }
    `,
  ];

  @property({ attribute: false }) model!: RunModel;
  @property({ attribute: false }) sync!: ChartSync;
  @property({ attribute: false }) annotations: Annotations = NO_ANNOTATIONS;
  @property({ type: Boolean }) live = false;
  @state() private filter = "";
  @state() private maximised: string | null = null;
  @query(".filter input") private filterBox!: HTMLInputElement;
  #stop: (() => void)[] = [];
  #names: readonly string[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = [
      this.sync.settings.listen(() => {
        this.requestUpdate();
      }),
      this.model.series.onChange(() => {
        // Charts redraw by themselves; the grid only follows the set of names.
        if (this.model.series.names.length !== this.#names.length) this.requestUpdate();
      }),
      this.sync.zoom.listen(() => {
        this.requestUpdate();
      }),
    ];
    this.addEventListener("chart-maximise", this.#onMaximise);
    this.addEventListener("keydown", this.#onKey);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.#stop) stop();
    this.removeEventListener("chart-maximise", this.#onMaximise);
    this.removeEventListener("keydown", this.#onKey);
  }

  override render(): TemplateResult {
    this.#names = this.model.series.names;
    const ordered = orderMetrics(this.#names);
    // Once a run has ended without a metric none will come: no empty axes then.
    const all = ordered.length === 0 && this.live ? PLACEHOLDERS : ordered;
    const names = filterMetrics(all, this.filter);
    const ofThree = placeCharts(names, 3);
    const ofTwo = placeCharts(names, 2);
    return html`${this.#toolbar(ordered.length)}
      <div class="charts" data-testid="charts">
        ${repeat(
          names,
          (name) => name,
          (name, i) => this.#chart(name, all.indexOf(name), ofThree[i] ?? WHOLE_ROW, ofTwo[i] ?? WHOLE_ROW),
        )}
        ${names.length === 0 ? html`<div class="none secondary">${all.length === 0 ? "The run logged no metric" : `No metric matches “${this.filter}”`}</div>` : nothing}
      </div>`;
  }

  #chart(name: string, slot: number, ofThree: ChartPlace, ofTwo: ChartPlace): TemplateResult {
    return html`<ty-line-chart
      class=${ofThree.lead ? "lead" : ""}
      ${cssProperties({ "--of-three": String(ofThree.span), "--of-two": String(ofTwo.span) })}
      data-testid="chart-${name}"
      data-eval=${isEvaluation(name) ? "true" : "false"}
      .metric=${name}
      .store=${this.model.series}
      .sync=${this.sync}
      .annotations=${this.annotations}
      .detailSource=${this.model.loadDetail}
      .slotIndex=${slot % (SLOT_COUNT * 3)}
      .live=${this.live}
      .exact=${isExact(name)}
      .maximised=${this.maximised === name}
    ></ty-line-chart>`;
  }

  #toolbar(count: number): TemplateResult {
    const settings = this.sync.settings.value;
    return html`<div class="toolbar" role="toolbar" aria-label="Charts">
      <span class="segments" role="radiogroup" aria-label="X axis">
        ${AXES.map(
          ([axis, label]) =>
            html`<button
              role="radio"
              aria-checked=${settings.xAxis === axis ? "true" : "false"}
              data-testid="x-axis-${axis}"
              @click=${() => {
                this.sync.change({ xAxis: axis });
              }}
            >
              ${label}
            </button>`,
        )}
      </span>
      <label class="smoothing"
        >Smoothing
        <input
          type="range"
          min="0"
          max="0.99"
          step="0.01"
          data-testid="smoothing"
          .value=${String(settings.smoothing)}
          aria-valuetext=${settings.smoothing.toFixed(2)}
          @input=${(event: InputEvent) => {
            this.sync.change({ smoothing: Number((event.target as HTMLInputElement).value) });
          }}
        /><span>${settings.smoothing.toFixed(2)}</span></label
      >
      ${this.#toggle("Log y", settings.logY, () => {
        this.sync.change({ logY: !settings.logY });
      })}
      ${this.#toggle("Raw", settings.raw, () => {
        this.sync.change({ raw: !settings.raw });
      })}
      ${
        this.annotations.attempts.length > 1
          ? this.#toggle("Attempts", settings.attempts, () => {
              this.sync.change({ attempts: !settings.attempts });
            })
          : nothing
      }
      ${
        this.sync.zoom.value === null
          ? nothing
          : html`<button
              class="toggle"
              data-testid="reset-zoom"
              @click=${() => {
                this.sync.zoom.set(null);
              }}
            >
              Reset zoom
            </button>`
      }
      <label class="filter"
        >${icon("filter")}<input
          class="input"
          type="search"
          placeholder=${count === 0 ? "Filter metrics" : `Filter ${String(count)} ${count === 1 ? "metric" : "metrics"}`}
          aria-label="Filter metrics"
          data-testid="metric-filter"
          .value=${this.filter}
          @input=${(event: InputEvent) => {
            this.filter = (event.target as HTMLInputElement).value;
          }}
      /></label>
    </div>`;
  }

  #toggle(label: string, on: boolean, run: () => void): TemplateResult {
    return html`<button class="toggle" aria-pressed=${on ? "true" : "false"} @click=${run}>${label}</button>`;
  }

  readonly #onMaximise = (event: Event): void => {
    const metric = (event as CustomEvent<string>).detail;
    this.maximised = this.maximised === metric ? null : metric;
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && this.maximised !== null) this.maximised = null;
    else if (event.key === "/" && !(event.composedPath()[0] instanceof HTMLInputElement)) {
      event.preventDefault();
      this.filterBox.focus();
    }
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-chart-grid": ChartGrid;
  }
}
