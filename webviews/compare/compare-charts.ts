/** The charts of the comparison, one per metric, under their toolbar. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { ChartSync, XAxis } from "../charts/chart-sync.ts";
import "../charts/overlay-chart.ts";
import { icon } from "../components/icons.ts";
import { baseStyles } from "../components/styles.ts";
import { filterMetrics, isExact } from "../dashboard/metrics.ts";
import { chartsStyles } from "./charts-styles.ts";
import type { CompareModel } from "./compare-model.ts";
import type { Spread } from "./curves.ts";

const AXES: readonly (readonly [XAxis, string])[] = [
  ["step", "Step"],
  ["wall", "Wall time"],
  ["relative", "Relative"],
];

@customElement("ty-compare-charts")
export class CompareCharts extends LitElement {
  static override styles = [...baseStyles, chartsStyles];

  @property({ attribute: false }) model!: CompareModel;
  @property({ attribute: false }) sync!: ChartSync;
  @state() private filter = "";
  @state() private maximised: string | null = null;
  @query(".filter input") private filterBox!: HTMLInputElement;
  #stop: (() => void)[] = [];
  #names: readonly string[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    const update = (): void => {
      this.requestUpdate();
    };
    this.#stop = [
      this.sync.settings.listen(update),
      this.sync.zoom.listen(update),
      this.model.onChange(() => {
        // Charts redraw by themselves; the grid only follows the set of names.
        if (this.model.metrics.length !== this.#names.length) this.requestUpdate();
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
    this.#names = this.model.metrics;
    const shown = filterMetrics(this.#names, this.filter);
    const none =
      this.#names.length > 0
        ? `No metric matches “${this.filter}”`
        : this.model.loaded
          ? "These runs logged no metric"
          : "Loading the runs…";
    return html`${this.#toolbar()}
      <div class="charts ${shown.length === 1 ? "one" : ""}" data-testid="charts">
        ${repeat(
          shown,
          (name) => name,
          (name) =>
            html`<ty-overlay-chart
              data-testid="chart-${name}"
              .metric=${name}
              .source=${this.model}
              .sync=${this.sync}
              .exact=${isExact(name)}
              .maximised=${this.maximised === name}
            ></ty-overlay-chart>`,
        )}
        ${shown.length === 0 ? html`<div class="none secondary">${none}</div>` : nothing}
      </div>`;
  }

  #toolbar(): TemplateResult {
    const settings = this.sync.settings.value;
    const count = this.#names.length;
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
      ${this.#toggle("Ignore outliers", this.model.settings.ignoreOutliers, () => {
        this.model.change({ ignoreOutliers: !this.model.settings.ignoreOutliers });
        this.requestUpdate();
      })}
      ${this.#grouping()}
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

  #grouping(): TemplateResult {
    const { group, spread } = this.model.settings;
    const now = group ? spread : "off";
    const options: readonly (readonly [Spread | "off", string])[] = [
      ["std", "mean ± std"],
      ["range", "mean, min–max"],
      ["off", "each run"],
    ];
    return html`<label class="grouping"
      >Replicates
      <select
        class="input"
        data-testid="replicates"
        @change=${(event: Event) => {
          const chosen = options.find(([value]) => value === (event.target as HTMLSelectElement).value)?.[0] ?? "std";
          this.model.change(chosen === "off" ? { group: false } : { group: true, spread: chosen });
        }}
      >
        ${options.map(([value, label]) => html`<option value=${value} ?selected=${value === now}>${label}</option>`)}
      </select></label
    >`;
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
    "ty-compare-charts": CompareCharts;
  }
}
