/** The charts of the comparison, one per metric, under their toolbar. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { chartGroupStyles, groupMetrics } from "../charts/chart-groups.ts";
import { type ChartSync, counterOf } from "../charts/chart-sync.ts";
import { chartToolbar, chartToolbarStyles, toggle } from "../charts/chart-toolbar.ts";
import { ChartsController, type ChartsHost } from "../charts/charts-controller.ts";
import "../charts/overlay-chart.ts";
import { regionElement } from "../components/regions.ts";
import { baseStyles } from "../components/styles.ts";
import { filterMetrics, isExact } from "../dashboard/metrics.ts";
import { chartsStyles } from "./charts-styles.ts";
import type { CompareModel } from "./compare-model.ts";
import type { Spread } from "./curves.ts";

@customElement("ty-compare-charts")
export class CompareCharts extends regionElement(".charts") implements ChartsHost {
  static override styles = [...baseStyles, chartToolbarStyles, chartsStyles, chartGroupStyles];

  @property({ attribute: false }) model!: CompareModel;
  @property({ attribute: false }) sync!: ChartSync;
  @state() private filter = "";
  @query(".filter input") filterBox!: HTMLInputElement;
  readonly #charts = new ChartsController(this);
  #stop: (() => void) | null = null;
  #names: readonly string[] = [];
  #counters: readonly string[] = [];
  #unplaced: readonly string[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = this.model.onChange(() => {
      // Charts redraw by themselves; the grid only follows which metrics there are, and what they may be drawn by.
      const { metrics, counters, unplaced } = this.model;
      const changed = metrics.length !== this.#names.length || counters.length !== this.#counters.length;
      if (changed || unplaced.length !== this.#unplaced.length) this.requestUpdate();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
  }

  override render(): TemplateResult {
    this.#names = this.model.metrics;
    this.#counters = this.model.counters;
    this.#unplaced = counterOf(this.sync.settings.value.xAxis) === null ? [] : this.model.unplaced;
    const shown = filterMetrics(this.#names, this.filter);
    const none = this.#names.length > 0 ? `No metric matches “${this.filter}”` : "These runs logged no metric";
    const groups = groupMetrics(shown);
    const layout = shown.length === 1 ? "one" : groups.length > 1 ? "grouped" : "";
    return html`${this.#toolbar()}
      <div class="charts ${layout}" tabindex="-1" data-testid="charts">
        ${this.#charts.groups.render(groups, this.filter !== "", ({ names }) => repeat(names, String, (name) => this.#chart(name, shown.length)))}
        ${shown.length === 0 ? html`<div class="none secondary">${none}</div>` : nothing}
      </div>`;
  }

  /** @param count charts of the page */
  #chart(name: string, count: number): TemplateResult {
    if (!this.#charts.isMade(name, count)) return html`<div class="room" data-metric=${name}></div>`;
    return html`<ty-overlay-chart
      class="room"
      data-metric=${name}
      data-testid="chart-${name}"
      .metric=${name}
      .source=${this.model}
      .sync=${this.sync}
      .exact=${isExact(name)}
      .maximised=${this.#charts.maximised === name}
    ></ty-overlay-chart>`;
  }

  #toolbar(): TemplateResult {
    const { ignoreOutliers } = this.model.settings;
    return chartToolbar({
      sync: this.sync,
      count: this.#names.length,
      filter: this.filter,
      onFilter: (text) => {
        this.filter = text;
      },
      counters: this.#counters,
      unplaced: this.#unplaced,
      more: html`${toggle("Ignore outliers", ignoreOutliers, () => {
        this.model.change({ ignoreOutliers: !ignoreOutliers });
        this.requestUpdate();
      })}
      ${this.#grouping()}`,
    });
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
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-compare-charts": CompareCharts;
  }
}
