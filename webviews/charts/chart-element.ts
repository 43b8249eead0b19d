/** What every chart of a page is, whatever its lines: title row, frame and canvases, when it draws, pointer, keyboard and exports. */
import { type CSSResultGroup, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import { icon, type IconName } from "../components/icons.ts";
import { problemOf } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";
import { documentTheme } from "../components/theme.ts";
import type { Plot } from "./canvas-marks.ts";
import { type CsvWriter, exportChart, type Shown } from "./chart-export.ts";
import { CHART_KEYS, type KeyTarget, runChartKey } from "./chart-keys.ts";
import { ChartPointer, type PointerTarget } from "./chart-pointer.ts";
import { chartStyles } from "./chart-styles.ts";
import { type ChartSettings, type ChartSync, counterOf, type XWindow } from "./chart-sync.ts";
import "./export-menu.ts";
import type { ExportKind } from "./export-menu.ts";
import { PlotArea, type PlotInput } from "./plot-area.ts";
import { type Pace, Redraw } from "./redraw.ts";

/** Draws the lines of a chart onto its plot area. */
export interface ChartView {
  /** Axis units at a pixel of the chart, null before the first drawing. */
  xAt(pixel: number): number | null;
  /** What the chart shows, for an export; null before the first drawing. */
  readonly shown: Shown | null;
}

/** The parts of a chart that its lines decide. */
export interface ChartParts {
  /** Before the title. */
  readonly lead: TemplateResult | typeof nothing;
  /** After the title. */
  readonly value: TemplateResult | typeof nothing;
  readonly notes: readonly string[];
  /** What the picture shows, in words. */
  readonly label: string;
  /** Above the canvases: the tooltip, or why there is no line. */
  readonly inside: unknown;
  /** What the crosshair reads, in words; empty without one. */
  readonly reading: string;
  /** Written while it is shown alone. */
  readonly table: () => TemplateResult | typeof nothing;
}

export abstract class ChartElement<View extends ChartView> extends LitElement implements PointerTarget, KeyTarget {
  static override styles: CSSResultGroup = [...baseStyles, chartStyles];

  @property({ attribute: false }) metric = "";
  @property({ attribute: false }) sync!: ChartSync;
  /** Evaluations and schedules are drawn as they are: a moving average would only bend them. */
  @property({ type: Boolean }) exact = false;
  @property({ type: Boolean, reflect: true }) maximised = false;
  @state() protected showTable = false;
  @query(".frame") private frameHost!: HTMLElement;
  @query(".lines") private linesCanvas!: HTMLCanvasElement;
  @query(".overlay") private overlayCanvas!: HTMLCanvasElement;
  @query(".plot") plotElement!: HTMLElement;

  protected readonly pointer = new ChartPointer(this);
  protected readonly redraw: Redraw;
  protected view: View | null = null;
  /** On the screen; what is not is not drawn. */
  protected visible = false;
  #area: PlotArea | null = null;
  #stop: (() => void)[] = [];

  /** @param pace how often new points redraw the chart */
  protected constructor(pace: Pace) {
    super();
    this.redraw = new Redraw(
      () => {
        this.#draw();
      },
      () => {
        this.onNews();
      },
      pace,
    );
  }

  protected abstract makeView(area: PlotArea): View;
  /** Listens to where the points come from. @returns the functions that end it */
  protected abstract listen(): (() => void)[];
  /** New points came, which are not drawn yet. */
  protected abstract onNews(): void;
  protected abstract drawLines(view: View, input: PlotInput): void;
  /** The crosshair moved, or the stretch being dragged changed. */
  protected abstract moveCrosshair(): void;
  /** Writes all points; null without any. */
  protected abstract get csv(): CsvWriter | null;
  protected abstract get isLive(): boolean;
  abstract get full(): XWindow;
  abstract clickAt(pixel: number): void;
  abstract stepCrosshair(by: number): boolean;
  abstract jumpToCheckpoint(direction: 1 | -1): boolean;

  override connectedCallback(): void {
    super.connectedCallback();
    const redraw = (): void => {
      this.redraw.soon();
    };
    const visibility = new IntersectionObserver((entries) => {
      this.visible = entries.some((entry) => entry.isIntersecting);
      if (this.visible) this.redraw.soon();
    });
    const size = new ResizeObserver(redraw);
    this.#stop = [
      ...this.listen(),
      this.sync.settings.listen(() => {
        this.requestUpdate();
        redraw();
      }),
      this.sync.zoom.listen(redraw),
      this.sync.yZooms.listen(redraw),
      this.sync.crosshair.listen(() => {
        this.moveCrosshair();
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
      this.#area ??= new PlotArea(this.frameHost, this.linesCanvas, this.overlayCanvas);
      this.view ??= this.makeView(this.#area);
      visibility.observe(this);
      size.observe(this.plotElement);
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.#stop) stop();
    this.#stop = [];
    this.redraw.cancel();
    this.sync.gutter.leave(this);
    this.#area?.dispose();
    this.#area = null;
    this.view = null;
  }

  override updated(changed: PropertyValues): void {
    if (changed.has("maximised") || changed.has("metric")) this.redraw.soon();
  }

  protected renderChart(parts: ChartParts): TemplateResult {
    // "train/loss": where there is no room for both, the name matters more than its group.
    const [, group = "", name = this.metric] = /^(.*\/)?(.+)$/.exec(this.metric) ?? [];
    const { pointer, maximised, showTable } = this;
    return html`
      <header>
        ${parts.lead}
        <span class="title" title=${this.metric}
          >${group === "" ? nothing : html`<span class="group">${group}</span>`}<span class="truncate">${name}</span></span
        >
        ${parts.value}
        <span class="notes secondary"><span></span><span class="note" data-testid="chart-notes">${parts.notes.join(" · ")}</span></span>
        <span class="tools">
          ${this.#tool("table", showTable ? "Hide data table (T)" : "Show data table (T)", () => {
            this.toggleTable();
          })}
          <ty-export-menu .metric=${this.metric} @chart-export=${this.#onExport}></ty-export-menu>
          ${this.#tool(maximised ? "screen-normal" : "screen-full", maximised ? "Restore (Enter)" : "Maximise (Enter)", () => {
            this.toggleMaximised();
          })}
        </span>
      </header>
      <div
        class="plot"
        role="img"
        tabindex="0"
        aria-label=${parts.label}
        aria-keyshortcuts=${CHART_KEYS}
        data-testid="chart-plot"
        @pointerdown=${pointer.down}
        @pointermove=${pointer.move}
        @pointerup=${pointer.up}
        @pointercancel=${pointer.up}
        @pointerleave=${pointer.leave}
        @dblclick=${pointer.doubleClick}
        @wheel=${pointer.wheel}
        @keydown=${this.#onKey}
      >
        <div class="frame"></div>
        <canvas class="lines"></canvas>
        <canvas class="overlay"></canvas>
        ${parts.inside}
      </div>
      <div class="visually-hidden" aria-live="polite">${parts.reading}</div>
      ${showTable ? parts.table() : nothing}
    `;
  }

  #tool(name: IconName, label: string, run: () => void): TemplateResult {
    return html`<button class="icon-button" title=${label} aria-label="${label}: ${this.metric}" @click=${run}>${icon(name)}</button>`;
  }

  #draw(): void {
    const { view } = this;
    const area = this.#area;
    if (view === null || area === null || !this.visible) return;
    const { width, height } = this.plotElement.getBoundingClientRect();
    if (width < 40 || height < 40) return;
    this.redraw.measure(() => {
      this.drawLines(view, {
        settings: this.settings,
        window: this.window,
        yWindow: this.sync.yZooms.value.get(this.metric) ?? null,
        live: this.isLive,
        theme: documentTheme().value,
        gutter: this.sync.gutter.width.value,
        width,
        height,
      });
      this.sync.gutter.need(this, area.labelWidth);
      this.moveCrosshair();
    });
  }

  /** The page's settings as they hold for this chart. */
  protected get settings(): ChartSettings {
    const settings = this.sync.settings.value;
    // What the axis counts is drawn against itself: a straight line.
    return this.exact || counterOf(settings.xAxis) === this.metric ? { ...settings, smoothing: 0 } : settings;
  }

  /** Where the crosshair stands, when this chart owns it. */
  protected get at(): number | null {
    const at = this.sync.crosshair.value;
    return at?.owner === this ? at.x : null;
  }

  get plot(): Plot | null {
    return this.#area?.plot ?? null;
  }

  get window(): XWindow {
    return this.sync.zoom.value ?? this.full;
  }

  xAt(pixel: number): number | null {
    return this.view?.xAt(pixel) ?? null;
  }

  dragged(): void {
    this.moveCrosshair();
  }

  zoom(axis: "x" | "y", factor: number): void {
    this.pointer.zoom(axis, factor, this.sync.crosshair.value?.x ?? null);
  }

  follow(): void {
    const at = this.sync.crosshair.value;
    if (at !== null) this.pointer.show(at.x);
  }

  toggleTable(): void {
    this.showTable = !this.showTable;
  }

  toggleMaximised(): void {
    this.tell("chart-maximise", this.metric);
  }

  protected tell(event: string, detail: string): void {
    this.dispatchEvent(new CustomEvent(event, { detail, bubbles: true, composed: true }));
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (!runChartKey(event, this)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  readonly #onExport = (event: Event): void => {
    const shown = this.view?.shown;
    const { csv } = this;
    if (shown == null || csv === null) return;
    const kind = (event as CustomEvent<ExportKind>).detail;
    void problemOf(() => exportChart(kind, this.metric, shown, csv, this)).then((problem) => {
      this.tell("chart-exported", problem ?? "");
    });
  };
}
