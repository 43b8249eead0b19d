/** One chart of the dashboard: title row, frame, lines, crosshair with tooltip, keyboard, table and exports. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { cssProperties } from "../components/css-vars.ts";
import { formatValue } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { baseStyles } from "../components/styles.ts";
import { documentTheme } from "../components/theme.ts";
import { type Annotations, NO_ANNOTATIONS } from "./annotations.ts";
import type { Plot } from "./canvas-marks.ts";
import { exportChart } from "./chart-export.ts";
import { CHART_KEYS, type KeyTarget, runChartKey } from "./chart-keys.ts";
import { ChartPointer, type PointerTarget } from "./chart-pointer.ts";
import { readingChip, readingSentence, readingTooltip } from "./chart-reading.ts";
import { chartStyles } from "./chart-styles.ts";
import type { ChartSettings, ChartSync, XWindow } from "./chart-sync.ts";
import { SeriesColumns } from "./columns.ts";
import { chartTable } from "./data-table.ts";
import { describeChart, toCsv } from "./describe.ts";
import { fullWindow, stepWindow, xColumn, xOffset } from "./chart-window.ts";
import "./export-menu.ts";
import type { ExportKind } from "./export-menu.ts";
import { LineView, type Reading } from "./line-view.ts";
import { lineStyle } from "./palette.ts";
import { type Pace, Redraw } from "./redraw.ts";
import type { SeriesStore } from "./series-store.ts";
import { ZoomDetail } from "./zoom-detail.ts";

/** How often new points redraw the chart. */
const PACE: Pace = { everyMs: 50, share: 0.1 };
/** A moving average of fewer points would hide what happened, and be no easier to read. */
const SMOOTHED_FROM = 60;
const NO_POINTS = new SeriesColumns();

/** Asks for more points of a window, in steps, than the whole curve holds. */
export type DetailSource = (metric: string, steps: XWindow) => Promise<SeriesColumns | null>;

@customElement("ty-line-chart")
export class LineChart extends LitElement implements PointerTarget, KeyTarget {
  static override styles = [...baseStyles, chartStyles];

  @property({ attribute: false }) metric = "";
  @property({ attribute: false }) store!: SeriesStore;
  @property({ attribute: false }) sync!: ChartSync;
  @property({ attribute: false }) annotations: Annotations = NO_ANNOTATIONS;
  @property({ attribute: false }) detailSource: DetailSource | null = null;
  @property({ attribute: false }) slotIndex = 0;
  @property({ type: Boolean }) live = false;
  /** Evaluations and schedules are drawn as they are: a moving average would only bend them. */
  @property({ type: Boolean }) exact = false;
  @property({ type: Boolean, reflect: true }) maximised = false;
  /** Said where the lines will be while there is none. */
  @property() emptyText = "First metric after step 1";
  @state() private reading: Reading | null = null;
  @state() private showTable = false;
  @query(".frame") private frameHost!: HTMLElement;
  @query(".lines") private lines!: HTMLCanvasElement;
  @query(".overlay") private overlay!: HTMLCanvasElement;
  @query(".plot") plotElement!: HTMLElement;

  readonly #pointer = new ChartPointer(this);
  #view: LineView | null = null;
  #visible = false;
  readonly #redraw = new Redraw(
    () => {
      this.#draw();
    },
    () => {
      this.requestUpdate();
    },
    PACE,
  );
  readonly #detail = new ZoomDetail(() => {
    this.#redraw.soon();
  });
  #stop: (() => void)[] = [];

  get #columns(): SeriesColumns | undefined {
    return this.store.get(this.metric);
  }

  get #settings(): ChartSettings {
    const settings = this.sync.settings.value;
    const few = (this.#columns?.length ?? 0) < SMOOTHED_FROM;
    return this.exact || few ? { ...settings, smoothing: 0 } : settings;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const redraw = (): void => {
      this.#redraw.soon();
    };
    const theme = documentTheme();
    const visibility = new IntersectionObserver((entries) => {
      this.#visible = entries.some((entry) => entry.isIntersecting);
      if (this.#visible) this.#redraw.soon();
    });
    const size = new ResizeObserver(redraw);
    this.#stop = [
      this.store.onChange(() => {
        this.#redraw.news();
      }),
      this.sync.settings.listen(() => {
        this.requestUpdate();
        redraw();
      }),
      this.sync.zoom.listen(() => {
        this.#loadDetail();
        redraw();
      }),
      this.sync.yZooms.listen(redraw),
      this.sync.crosshair.listen(() => {
        this.#moveCrosshair();
      }),
      this.sync.gutter.width.listen(redraw),
      theme.listen(redraw),
      () => {
        visibility.disconnect();
        size.disconnect();
      },
    ];
    void this.updateComplete.then(() => {
      if (!this.isConnected) return;
      this.#view ??= new LineView(this.frameHost, this.lines, this.overlay);
      visibility.observe(this);
      size.observe(this.plotElement);
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.#stop) stop();
    this.#stop = [];
    this.#redraw.cancel();
    this.sync.gutter.leave(this);
    this.#detail.clear();
    this.#view?.dispose();
    this.#view = null;
  }

  override updated(changed: PropertyValues<this>): void {
    if (changed.has("annotations") || changed.has("maximised") || changed.has("metric")) this.#redraw.soon();
  }

  override render(): TemplateResult {
    const columns = this.#columns;
    const sentence = describeChart(this.metric, columns, this.annotations);
    const last = columns === undefined || columns.length === 0 ? undefined : columns.values[columns.length - 1];
    const { smoothing } = this.#settings;
    // "train/loss": where there is no room for both, the name matters more than its group.
    const [, group = "", name = this.metric] = /^(.*\/)?(.+)$/.exec(this.metric) ?? [];
    return html`
      <header>
        <span class="swatch" ${cssProperties({ "--series": lineStyle(this.slotIndex, documentTheme().value.kind).color })}></span>
        <span class="title" title=${this.metric}
          >${group === "" ? nothing : html`<span class="group">${group}</span>`}<span class="truncate">${name}</span></span
        >
        <span class="value" data-testid="chart-last-value">${formatValue(last)}</span>
        <span class="notes secondary"
          ><span></span
          >${smoothing > 0 && last !== undefined ? html`<span class="note">smoothed ${smoothing.toFixed(2)}</span>` : nothing}</span
        >
        <span class="tools">
          ${this.#tool("table", this.showTable ? "Hide data table (T)" : "Show data table (T)", () => (this.showTable = !this.showTable))}
          <ty-export-menu .metric=${this.metric} @chart-export=${this.#onExport}></ty-export-menu>
          ${this.#tool(this.maximised ? "screen-normal" : "screen-full", this.maximised ? "Restore (Enter)" : "Maximise (Enter)", () => {
            this.toggleMaximised();
          })}
        </span>
      </header>
      <div
        class="plot"
        role="img"
        tabindex="0"
        aria-label=${sentence}
        aria-keyshortcuts=${CHART_KEYS}
        data-testid="chart-plot"
        @pointerdown=${this.#pointer.down}
        @pointermove=${this.#pointer.move}
        @pointerup=${this.#pointer.up}
        @pointercancel=${this.#pointer.up}
        @pointerleave=${this.#pointer.leave}
        @dblclick=${this.#pointer.doubleClick}
        @wheel=${this.#pointer.wheel}
        @keydown=${this.#onKey}
      >
        <div class="frame"></div>
        <canvas class="lines"></canvas>
        <canvas class="overlay"></canvas>
        ${last === undefined ? html`<div class="empty secondary">${this.emptyText}</div>` : nothing} ${this.#renderReading()}
      </div>
      <div class="visually-hidden" aria-live="polite">
        ${this.#owned && this.reading !== null ? readingSentence(this.metric, this.reading) : ""}
      </div>
      ${this.showTable && columns !== undefined ? chartTable(this.metric, columns) : nothing}
    `;
  }

  #tool(name: Parameters<typeof icon>[0], label: string, run: () => void): TemplateResult {
    return html`<button class="icon-button" title=${label} aria-label="${label}: ${this.metric}" @click=${run}>${icon(name)}</button>`;
  }

  get #owned(): boolean {
    return this.sync.crosshair.value?.owner === this;
  }

  #renderReading(): TemplateResult | typeof nothing {
    const { reading, plot, metric, annotations } = this;
    if (reading === null || plot === null) return nothing;
    const { color } = lineStyle(this.slotIndex, documentTheme().value.kind);
    const view = { metric, reading, plot, color, annotations, smoothed: this.#settings.smoothing > 0 };
    return this.#owned ? readingTooltip(view) : readingChip(view);
  }

  #draw(): void {
    const view = this.#view;
    const columns = this.#columns;
    if (view === null || !this.#visible) return;
    const { width, height } = this.plotElement.getBoundingClientRect();
    if (width < 40 || height < 40) return;
    this.#redraw.measure(() => {
      this.#drawWith(view, columns, width, height);
    });
  }

  #drawWith(view: LineView, columns: SeriesColumns | undefined, width: number, height: number): void {
    const settings = this.#settings;
    const zoom = this.sync.zoom.value;
    view.draw({
      metric: this.metric,
      data: {
        columns: columns ?? NO_POINTS,
        detail: this.#detail.get(this.metric, zoom),
        discarded: this.store.discarded(this.metric),
        origin: this.store.origin,
        slot: this.slotIndex,
      },
      settings,
      window: zoom ?? this.#fullWindow(columns),
      yWindow: this.sync.yZooms.value.get(this.metric) ?? null,
      annotations: this.annotations,
      live: this.live,
      theme: documentTheme().value,
      gutter: this.sync.gutter.width.value,
      width,
      height,
    });
    this.sync.gutter.need(this, view.labelWidth);
    this.#moveCrosshair();
  }

  #fullWindow(columns: SeriesColumns | undefined): XWindow {
    return fullWindow(columns, this.store, this.annotations, this.sync.settings.value);
  }

  get plot(): Plot | null {
    return this.#view?.plot ?? null;
  }

  get window(): XWindow {
    return this.sync.zoom.value ?? this.full;
  }

  get full(): XWindow {
    return this.#fullWindow(this.#columns);
  }

  xAt(pixel: number): number | null {
    return this.#view?.xAt(pixel) ?? null;
  }

  #loadDetail(): void {
    const zoom = this.sync.zoom.value;
    const { detailSource, metric } = this;
    const columns = this.#columns;
    if (zoom === null) this.#detail.clear();
    if (zoom === null || detailSource === null || columns?.downsampled !== true || !this.#visible) return;
    const steps = stepWindow(columns, this.sync.settings.value.xAxis, zoom, this.store.origin);
    this.#detail.want(metric, zoom, () => detailSource(metric, steps));
  }

  #moveCrosshair(): void {
    const at = this.sync.crosshair.value;
    this.reading = at === null ? null : (this.#view?.read(at.x) ?? null);
    this.#view?.drawOverlay(this.reading, this.#pointer.brush);
  }

  dragged(): void {
    this.#moveCrosshair();
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (!runChartKey(event, this)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  stepCrosshair(by: number): boolean {
    const columns = this.#columns;
    if (columns === undefined || columns.length === 0) return false;
    const last = columns.length - 1;
    const index = Math.min(last, Math.max(0, (this.reading?.index ?? (by < 0 ? last + 1 : -1)) + by));
    const { xAxis } = this.sync.settings.value;
    const x = xColumn(columns, xAxis)[index] ?? 0;
    this.sync.crosshair.set({ x: x - xOffset(xAxis, this.store.origin), owner: this });
    return true;
  }

  jumpToCheckpoint(direction: 1 | -1): boolean {
    if (this.sync.settings.value.xAxis !== "step") return false;
    const at = this.reading?.step ?? (direction > 0 ? -1 : Infinity);
    const steps = this.annotations.checkpoints.map((mark) => mark.step);
    const next = direction > 0 ? steps.find((step) => step > at) : steps.findLast((step) => step < at);
    if (next === undefined) return false;
    this.sync.crosshair.set({ x: next, owner: this });
    return true;
  }

  clickAt(pixel: number): void {
    const { plot } = this;
    if (plot === null || this.sync.settings.value.xAxis !== "step") return;
    const mark = this.annotations.checkpoints.find((checkpoint) => Math.abs(plot.x.at(checkpoint.step) - pixel) <= 5);
    if (mark !== undefined) this.dispatchEvent(new CustomEvent("checkpoint-select", { detail: mark.id, bubbles: true, composed: true }));
  }

  toggleTable(): void {
    this.showTable = !this.showTable;
  }

  toggleMaximised(): void {
    this.dispatchEvent(new CustomEvent("chart-maximise", { detail: this.metric, bubbles: true, composed: true }));
  }

  readonly #onExport = (event: Event): void => {
    const shown = this.#view?.shown;
    const columns = this.#columns;
    if (shown == null || columns === undefined) return;
    void exportChart((event as CustomEvent<ExportKind>).detail, this.metric, shown, () => toCsv(this.metric, columns), this);
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-line-chart": LineChart;
  }
}
