/** One metric of many runs: title row, frame, lines, a crosshair with all values, keyboard, table and exports. */
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { formatInteger } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { baseStyles } from "../components/styles.ts";
import { documentTheme, type Theme } from "../components/theme.ts";
import type { Observable } from "../transport/observable.ts";
import type { Plot } from "./canvas-marks.ts";
import { exportChart } from "./chart-export.ts";
import { CHART_KEYS, type KeyTarget, runChartKey } from "./chart-keys.ts";
import { ChartPointer, type PointerTarget } from "./chart-pointer.ts";
import { chartStyles } from "./chart-styles.ts";
import type { ChartSync, XAxis, XWindow } from "./chart-sync.ts";
import "./export-menu.ts";
import type { ExportKind } from "./export-menu.ts";
import { overlaySentence, overlayTooltip } from "./overlay-reading.ts";
import { overlayCsv, overlayTable } from "./overlay-table.ts";
import { type Pace, Redraw } from "./redraw.ts";
import { type LineReading, type OverlayLine, OverlayView, xLabel } from "./overlay-view.ts";

/** What a chart of many lines draws; whoever owns the runs provides it. */
export interface OverlaySource {
  readonly highlight: Observable<string | null>;
  /** Id of the line that differences are taken to. */
  readonly baseline: string | null;
  readonly live: boolean;
  /** Leave values far from the middle half out of the y range: their lines run out of the frame. */
  readonly ignoreOutliers: boolean;
  /** The lines that are shown, in the order of the legend. @param window the zoom, null for everything */
  lines(metric: string, axis: XAxis, window: XWindow | null, smoothing: number, theme: Theme): readonly OverlayLine[];
  /** A chart on the screen shows this window of a metric: lines that hold fewer points than there are ask for more of them. */
  refine(metric: string, axis: XAxis, window: XWindow): void;
  /** Everything there is, in units of the axis. */
  span(axis: XAxis): XWindow;
  /** The step from which two shown lines part, null when they do not or are not two. */
  parting(lines: readonly OverlayLine[]): number | null;
  lowerFirst(metric: string): boolean;
  replicates(id: string): number;
  onChange(listener: () => void): () => void;
}

/** How often new points redraw the chart. */
const PACE: Pace = { everyMs: 250, share: 0.25 };

@customElement("ty-overlay-chart")
export class OverlayChart extends LitElement implements PointerTarget, KeyTarget {
  static override styles = [
    ...baseStyles,
    chartStyles,
    css`
      .tooltip .metric {
        margin-left: 6px;
      }
      .readings {
        display: grid;
        grid-template-columns: 12px minmax(0, auto) auto auto;
        gap: 1px 8px;
        align-items: center;
      }
      .readings .name {
        max-width: 200px;
        overflow: hidden;
        text-overflow: ellipsis;
      }
      .readings .quiet {
        color: var(--secondary);
      }
      .readings .bold {
        font-weight: 600;
      }
      .readings .number {
        text-align: right;
      }
      .readings .ended {
        grid-column: 3 / -1;
        text-align: right;
      }
      .swatch.dashed {
        background: repeating-linear-gradient(90deg, var(--series) 0 5px, transparent 5px 7px);
      }
    `,
  ];

  @property({ attribute: false }) metric = "";
  @property({ attribute: false }) source!: OverlaySource;
  @property({ attribute: false }) sync!: ChartSync;
  /** Evaluations and schedules are drawn as they are. */
  @property({ type: Boolean }) exact = false;
  @property({ type: Boolean, reflect: true }) maximised = false;
  @state() private readings: readonly LineReading[] = [];
  @state() private showTable = false;
  @state() private parting: number | null = null;
  @state() private shownLines = 0;
  @query(".frame") private frameHost!: HTMLElement;
  @query(".lines") private lines!: HTMLCanvasElement;
  @query(".overlay") private overlay!: HTMLCanvasElement;
  @query(".plot") plotElement!: HTMLElement;

  readonly #pointer = new ChartPointer(this);
  #view: OverlayView | null = null;
  #visible = false;
  readonly #redraw = new Redraw(
    () => {
      this.#draw();
    },
    () => {
      if (this.showTable) this.requestUpdate();
    },
    PACE,
  );
  #drawn: readonly OverlayLine[] = [];
  #stop: (() => void)[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    const redraw = (): void => {
      this.#redraw.soon();
    };
    const visibility = new IntersectionObserver((entries) => {
      this.#visible = entries.some((entry) => entry.isIntersecting);
      if (this.#visible) this.#redraw.soon();
    });
    const size = new ResizeObserver(redraw);
    this.#stop = [
      this.source.onChange(() => {
        this.#redraw.news();
      }),
      this.source.highlight.listen(redraw),
      this.sync.settings.listen(() => {
        this.requestUpdate();
        redraw();
      }),
      this.sync.zoom.listen(redraw),
      this.sync.yZooms.listen(redraw),
      this.sync.crosshair.listen(() => {
        this.#moveCrosshair();
      }),
      this.sync.gutter.width.listen(redraw),
      documentTheme().listen(redraw),
      () => {
        visibility.disconnect();
        size.disconnect();
      },
    ];
    void this.updateComplete.then(() => {
      if (!this.isConnected) return;
      this.#view ??= new OverlayView(this.frameHost, this.lines, this.overlay);
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
    this.#view?.dispose();
    this.#view = null;
  }

  override updated(changed: PropertyValues<this>): void {
    if (changed.has("maximised") || changed.has("metric")) this.#redraw.soon();
  }

  override render(): TemplateResult {
    const [, group = "", name = this.metric] = /^(.*\/)?(.+)$/.exec(this.metric) ?? [];
    const { smoothing } = this.sync.settings.value;
    const notes = [
      ...(smoothing > 0 && !this.exact ? [`smoothed ${smoothing.toFixed(2)}`] : []),
      ...(this.parting === null ? [] : [`part at step ${formatInteger(this.parting)}`]),
    ];
    const lines = `${String(this.shownLines)} ${this.shownLines === 1 ? "line" : "lines"}`;
    return html`
      <header>
        <span class="title" title=${this.metric}
          >${group === "" ? nothing : html`<span class="group">${group}</span>`}<span class="truncate">${name}</span></span
        >
        <span class="notes secondary"><span></span><span class="note" data-testid="chart-notes">${notes.join(" · ")}</span></span>
        <span class="tools">
          ${this.#tool("table", this.showTable ? "Hide data table (T)" : "Show data table (T)", () => {
            this.toggleTable();
          })}
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
        aria-label="${this.metric}, ${lines}"
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
        ${this.#renderReading()}
      </div>
      <div class="visually-hidden" aria-live="polite">${this.#sentence()}</div>
      ${this.showTable ? overlayTable(this.metric, this.#drawn) : nothing}
    `;
  }

  #tool(name: Parameters<typeof icon>[0], label: string, run: () => void): TemplateResult {
    return html`<button class="icon-button" title=${label} aria-label="${label}: ${this.metric}" @click=${run}>${icon(name)}</button>`;
  }

  /** Where the crosshair stands, when this chart owns it. */
  get #at(): number | null {
    const at = this.sync.crosshair.value;
    return at?.owner === this ? at.x : null;
  }

  get #position(): string {
    const { xAxis } = this.sync.settings.value;
    return `${xAxis === "step" ? "Step " : ""}${xLabel(xAxis, this.#at ?? 0)}`;
  }

  #renderReading(): TemplateResult | typeof nothing {
    const { plot } = this;
    const x = this.#at;
    if (x === null || plot === null) return nothing;
    return overlayTooltip({
      at: this.#position,
      metric: this.metric,
      readings: this.readings,
      baseline: this.source.baseline,
      replicates: (id) => this.source.replicates(id),
      lowerFirst: this.source.lowerFirst(this.metric),
      highlight: this.source.highlight.value,
      plot,
      px: plot.x.at(x),
    });
  }

  #sentence(): string {
    return this.#at === null ? "" : overlaySentence(this.metric, this.#position, this.readings, this.source.lowerFirst(this.metric));
  }

  #draw(): void {
    const view = this.#view;
    if (view === null || !this.#visible) return;
    const { width, height } = this.plotElement.getBoundingClientRect();
    if (width < 40 || height < 40) return;
    this.#redraw.measure(() => {
      this.#drawWith(view, width, height);
    });
  }

  #drawWith(view: OverlayView, width: number, height: number): void {
    const chosen = this.sync.settings.value;
    const settings = this.exact ? { ...chosen, smoothing: 0 } : chosen;
    const theme = documentTheme().value;
    const { source } = this;
    if (this.sync.zoom.value !== null) source.refine(this.metric, settings.xAxis, this.sync.zoom.value);
    this.#drawn = source.lines(this.metric, settings.xAxis, this.sync.zoom.value, settings.smoothing, theme);
    this.shownLines = this.#drawn.length;
    this.parting = source.parting(this.#drawn);
    view.draw({
      lines: this.#drawn,
      settings,
      window: this.window,
      yWindow: this.sync.yZooms.value.get(this.metric) ?? null,
      highlight: source.highlight.value,
      parting: this.parting === null ? null : this.#xOfStep(this.parting),
      live: source.live,
      ignoreOutliers: source.ignoreOutliers,
      theme,
      gutter: this.sync.gutter.width.value,
      width,
      height,
    });
    this.sync.gutter.need(this, view.labelWidth);
    this.#moveCrosshair();
  }

  #xOfStep(step: number): number {
    const line = this.#drawn[0];
    const index = line?.steps.findIndex((each) => each >= step) ?? -1;
    return line?.xs[index] ?? step;
  }

  get plot(): Plot | null {
    return this.#view?.plot ?? null;
  }

  get window(): XWindow {
    return this.sync.zoom.value ?? this.full;
  }

  get full(): XWindow {
    return this.source.span(this.sync.settings.value.xAxis);
  }

  xAt(pixel: number): number | null {
    return this.#view?.xAt(pixel) ?? null;
  }

  #moveCrosshair(): void {
    const at = this.sync.crosshair.value;
    this.readings = at === null ? [] : (this.#view?.read(at.x) ?? []);
    this.#view?.drawOverlay(at?.x ?? null, this.readings, this.#pointer.brush);
    this.requestUpdate();
  }

  dragged(): void {
    this.#moveCrosshair();
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (!runChartKey(event, this)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  /** By the points of the highlighted line, else of the first. */
  stepCrosshair(by: number): boolean {
    const highlighted = this.source.highlight.value;
    const line = this.#drawn.find((each) => each.id === highlighted) ?? this.#drawn[0];
    if (line === undefined || line.xs.length === 0) return false;
    const last = line.xs.length - 1;
    const now = this.readings.find((reading) => reading.line.id === line.id)?.index ?? (by < 0 ? last + 1 : -1);
    const x = line.xs[Math.min(last, Math.max(0, now + by))] ?? 0;
    this.sync.crosshair.set({ x, owner: this });
    return true;
  }

  /** Many runs have many checkpoints: there is no next one. */
  jumpToCheckpoint(): boolean {
    return false;
  }

  /** A click chooses the metric that the legend shows. */
  clickAt(): void {
    this.dispatchEvent(new CustomEvent("metric-select", { detail: this.metric, bubbles: true, composed: true }));
  }

  toggleTable(): void {
    this.showTable = !this.showTable;
  }

  toggleMaximised(): void {
    this.dispatchEvent(new CustomEvent("chart-maximise", { detail: this.metric, bubbles: true, composed: true }));
  }

  readonly #onExport = (event: Event): void => {
    const shown = this.#view?.shown;
    if (shown == null) return;
    void exportChart((event as CustomEvent<ExportKind>).detail, this.metric, shown, () => overlayCsv(this.#drawn), this);
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-overlay-chart": OverlayChart;
  }
}
