/** Chart toolbar and the grid of metric charts. */
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { type Annotations, NO_ANNOTATIONS } from "../charts/annotations.ts";
import { chartGroupStyles, groupMetrics, type MetricGroup } from "../charts/chart-groups.ts";
import { type ChartSync, counterOf } from "../charts/chart-sync.ts";
import { chartToolbar, chartToolbarStyles, toggle } from "../charts/chart-toolbar.ts";
import { ChartsController, type ChartsHost } from "../charts/charts-controller.ts";
import "../charts/line-chart.ts";
import { SLOT_COUNT } from "../charts/palette.ts";
import { cssProperties } from "../components/css-vars.ts";
import { regionElement } from "../components/regions.ts";
import { baseStyles } from "../components/styles.ts";
import { type ChartPlace, GRID_COLUMNS, placeCharts } from "./chart-layout.ts";
import { filterMetrics, isEvaluation, isExact, orderMetrics } from "./metrics.ts";
import type { RunModel } from "./run-model.ts";

/** What stands before the first point: the loss that nearly every training reports. */
const PLACEHOLDERS = ["loss"];

const WHOLE_ROW: ChartPlace = { span: GRID_COLUMNS, lead: false };

@customElement("ty-chart-grid")
export class ChartGrid extends regionElement(".charts") implements ChartsHost {
  static override styles = [
    ...baseStyles,
    chartToolbarStyles,
    chartGroupStyles,
    css`
      .charts {
        flex: 1;
        min-height: 0;
        overflow: auto;
        display: grid;
        grid-template-columns: repeat(6, minmax(0, 1fr));
        grid-auto-rows: minmax(min-content, 1fr);
      }
      .charts .room {
        grid-column: span var(--of-three);
        min-height: 216px;
        border-bottom: 1px solid var(--hairline);
        border-right: 1px solid var(--hairline);
      }
      .charts .room.lead {
        min-height: 268px;
      }
      .none {
        grid-column: 1 / -1;
        padding: 20px;
      }
      /* A chart is at least about 300 px wide. */
      @container charts (max-width: 920px) {
        .charts .room {
          grid-column: span var(--of-two);
          min-height: 200px;
        }
      }
      @container charts (max-width: 610px) {
        .charts .room,
        .charts .room.lead {
          grid-column: 1 / -1;
          min-height: 200px;
        }
        .filter {
          margin-left: 0;
          max-width: none;
        }
      }
    `,
  ];

  @property({ attribute: false }) model!: RunModel;
  @property({ attribute: false }) sync!: ChartSync;
  @property({ attribute: false }) annotations: Annotations = NO_ANNOTATIONS;
  @property({ type: Boolean }) live = false;
  @state() private filter = "";
  @query(".filter input") filterBox!: HTMLInputElement;
  readonly #charts = new ChartsController(this);
  #stop: (() => void) | null = null;
  #names: readonly string[] = [];
  #counters: readonly string[] = [];
  #unplaced: string | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = this.model.onChange(() => {
      // Charts redraw by themselves; the grid only follows which metrics there are, and what they may be drawn by.
      const { metrics, counters } = this.model;
      const changed = metrics.length !== this.#names.length || counters.length !== this.#counters.length;
      if (changed || this.#problem !== this.#unplaced) this.requestUpdate();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
  }

  override render(): TemplateResult {
    this.#names = this.model.metrics;
    this.#counters = this.model.counters;
    this.#unplaced = this.#problem;
    const ordered = orderMetrics(this.#names);
    // Once a run has ended without a metric none will come: no empty axes then.
    const all = ordered.length === 0 && this.live ? PLACEHOLDERS : ordered;
    const names = filterMetrics(all, this.filter);
    const groups = groupMetrics(names);
    const slots = new Map(all.map((name, slot) => [name, slot]));
    return html`${this.#toolbar(ordered.length)}
      <div class="charts ${groups.length > 1 ? "grouped" : ""}" tabindex="-1" data-testid="charts">
        ${this.#charts.groups.render(groups, this.filter !== "", (group) => this.#group(group, names.length, slots))}
        ${names.length === 0 ? html`<div class="none secondary">${all.length === 0 ? ((this.model.detail?.attempt ?? 0) > 0 ? "The run logged no metric" : "The run has not started") : `No metric matches “${this.filter}”`}</div>` : nothing}
      </div>`;
  }

  /** Why the run's points have no place on the counter of the x axis. */
  get #problem(): string | null {
    return counterOf(this.sync.settings.value.xAxis) === null ? null : (this.model.series.counter?.problem ?? null);
  }

  /** @param count charts of the page @param slots place of each metric among all */
  #group({ names }: MetricGroup, count: number, slots: ReadonlyMap<string, number>): unknown {
    const ofThree = placeCharts(names, 3);
    const ofTwo = placeCharts(names, 2);
    return repeat(
      names,
      (name) => name,
      (name, i) => {
        const [wide, narrow] = [ofThree[i] ?? WHOLE_ROW, ofTwo[i] ?? WHOLE_ROW];
        if (this.#charts.isMade(name, count)) return this.#chart(name, slots.get(name) ?? 0, wide, narrow);
        return html`<div class="room ${wide.lead ? "lead" : ""}" ${cssProperties(spans(wide, narrow))} data-metric=${name}></div>`;
      },
    );
  }

  #chart(name: string, slot: number, ofThree: ChartPlace, ofTwo: ChartPlace): TemplateResult {
    return html`<ty-line-chart
      class="room ${ofThree.lead ? "lead" : ""}"
      ${cssProperties(spans(ofThree, ofTwo))}
      data-metric=${name}
      data-testid="chart-${name}"
      data-eval=${isEvaluation(name) ? "true" : "false"}
      .metric=${name}
      .store=${this.model.series}
      .sync=${this.sync}
      .annotations=${this.annotations}
      .detailSource=${this.model.loadDetail}
      .allSource=${this.model.loadAll}
      .slotIndex=${slot % (SLOT_COUNT * 3)}
      .live=${this.live}
      .emptyText=${this.model.metrics.length > 0 ? "Loading…" : "First metric after step 1"}
      .exact=${isExact(name)}
      .maximised=${this.#charts.maximised === name}
    ></ty-line-chart>`;
  }

  #toolbar(count: number): TemplateResult {
    const { attempts } = this.sync.settings.value;
    return chartToolbar({
      sync: this.sync,
      count,
      filter: this.filter,
      onFilter: (text) => {
        this.filter = text;
      },
      counters: this.#counters,
      unplaced: this.#unplaced === null ? [] : [this.#unplaced],
      more:
        this.annotations.attempts.length > 1
          ? toggle("Attempts", attempts, () => {
              this.sync.change({ attempts: !attempts });
            })
          : nothing,
    });
  }
}

function spans(ofThree: ChartPlace, ofTwo: ChartPlace): Readonly<Record<string, string>> {
  return { "--of-three": String(ofThree.span), "--of-two": String(ofTwo.span) };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-chart-grid": ChartGrid;
  }
}
