/** One chart of the dashboard: the line of one run, its attempts, checkpoints and exact points. */
import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { counted } from "../../protocol/counted.ts";
import { cssProperties } from "../components/css-vars.ts";
import { formatInteger, formatValue } from "../components/format.ts";
import { documentTheme } from "../components/theme.ts";
import { type Annotations, NO_ANNOTATIONS, spacedMarks } from "./annotations.ts";
import { ChartElement } from "./chart-element.ts";
import type { CsvWriter } from "./chart-export.ts";
import { readingChip, readingSentence, readingTooltip } from "./chart-reading.ts";
import { type ChartSettings, counterOf, type XWindow } from "./chart-sync.ts";
import { SeriesColumns } from "./columns.ts";
import { chartTable } from "./data-table.ts";
import { describeChart, toCsv } from "./describe.ts";
import { fullWindow } from "./chart-window.ts";
import { LineView, type Reading } from "./line-view.ts";
import { indexBeside, lowerBound, upperBound, withoutPlace } from "./scale.ts";
import { lineStyle } from "./palette.ts";
import type { PlotArea, PlotInput } from "./plot-area.ts";
import type { Pace } from "./redraw.ts";
import type { SeriesStore } from "./series-store.ts";
import { weightText } from "./smoothing-scale.ts";
import { pointsWithin, ZoomDetail } from "./zoom-detail.ts";

/** How often new points redraw the chart. */
const PACE: Pace = { everyMs: 50, share: 0.1 };
/** A moving average of fewer points would hide what happened, and be no easier to read. */
const SMOOTHED_FROM = 60;
const NO_POINTS = new SeriesColumns();

/** Asks for more points of a window, in steps, than the whole curve holds. */
export type DetailSource = (metric: string, steps: XWindow, smoothing: number) => Promise<SeriesColumns | null>;

/** Asks for every point between two steps, in pieces; null when they cannot be had. */
export type AllSource = (metric: string, steps: XWindow) => Promise<readonly SeriesColumns[] | null>;

@customElement("ty-line-chart")
export class LineChart extends ChartElement<LineView> {
  @property({ attribute: false }) store!: SeriesStore;
  @property({ attribute: false }) annotations: Annotations = NO_ANNOTATIONS;
  @property({ attribute: false }) detailSource: DetailSource | null = null;
  @property({ attribute: false }) allSource: AllSource | null = null;
  @property({ attribute: false }) slotIndex = 0;
  @property({ type: Boolean }) live = false;
  /** Said where the lines will be while there is none. */
  @property() emptyText = "";
  @state() private reading: Reading | null = null;

  readonly #detail = new ZoomDetail(() => {
    this.redraw.soon();
  });

  constructor() {
    super(PACE);
  }

  get #columns(): SeriesColumns | undefined {
    return this.store.get(this.metric);
  }

  get #counter(): string | null {
    return counterOf(this.sync.settings.value.xAxis);
  }

  /** How many points the counter of the x axis has no place for; null where it has none for any. */
  get #unplaced(): number | null {
    const columns = this.#columns;
    if (this.#counter === null || columns === undefined) return 0;
    const count = withoutPlace(columns.xs);
    return count > 0 && count === columns.length ? null : count;
  }

  protected override get settings(): ChartSettings {
    const few = (this.#columns?.length ?? 0) < SMOOTHED_FROM;
    return few ? { ...super.settings, smoothing: 0 } : super.settings;
  }

  protected override get isLive(): boolean {
    return this.live;
  }

  protected override makeView(area: PlotArea): LineView {
    return new LineView(area);
  }

  protected override listen(): (() => void)[] {
    return [
      this.store.onChange(() => {
        this.redraw.news();
      }),
    ];
  }

  protected override onNews(): void {
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#detail.clear();
  }

  override updated(changed: PropertyValues): void {
    super.updated(changed);
    if (changed.has("annotations")) this.redraw.soon();
  }

  override render(): TemplateResult {
    const columns = this.#columns;
    const last = columns === undefined || columns.length === 0 ? undefined : columns.values[columns.length - 1];
    // What is drawn, while the averages under a new weight are on their way.
    const smoothing = columns?.smoothedBy(this.settings.smoothing) ?? 0;
    const counter = this.#counter;
    const unplaced = this.#unplaced;
    const logProblem = this.settings.logY ? belowLog(columns) : null;
    const notes = [
      ...(logProblem === null ? [] : [logProblem]),
      ...(unplaced === null || unplaced === 0 || counter === null ? [] : [`${formatInteger(unplaced)} before the first ${counter}`]),
      ...(smoothing > 0 && last !== undefined ? [`smoothed ${weightText(smoothing)}`] : []),
    ];
    const empty =
      last === undefined
        ? this.emptyText
        : unplaced === null && this.store.counter !== null
          ? `No point has a place on ${counter ?? ""}`
          : null;
    return this.renderChart({
      lead: html`<span
        class="swatch"
        ${cssProperties({ "--series": lineStyle(this.slotIndex, documentTheme().value.kind).color })}
      ></span>`,
      value: html`<span class="value" data-testid="chart-last-value">${formatValue(last)}</span>`,
      notes,
      label: describeChart(this.metric, columns, this.annotations),
      inside: html`${empty === null ? nothing : html`<div class="empty secondary">${empty}</div>`} ${this.#renderReading()}`,
      reading: this.at !== null && this.reading !== null ? readingSentence(this.metric, this.reading) : "",
      table: () => (columns === undefined ? nothing : chartTable(this.metric, columns, counter)),
    });
  }

  #renderReading(): TemplateResult | typeof nothing {
    const { reading, plot, metric, annotations } = this;
    if (reading === null || plot === null) return nothing;
    const { color } = lineStyle(this.slotIndex, documentTheme().value.kind);
    const view = { metric, reading, plot, color, annotations, counter: this.#counter, smoothed: this.settings.smoothing > 0 };
    return this.at === null ? readingChip(view) : readingTooltip(view);
  }

  protected override drawLines(view: LineView, input: PlotInput): void {
    const { metric, store, annotations } = this;
    this.#loadDetail();
    const data = {
      columns: this.#columns ?? NO_POINTS,
      detail: this.#detail.get(metric, this.sync.zoom.value),
      discarded: store.discarded(metric),
      counter: this.#counter === null ? undefined : store.get(this.#counter),
      origin: store.origin,
      slot: this.slotIndex,
    };
    view.draw({ ...input, metric, data, annotations });
  }

  get full(): XWindow {
    return fullWindow(this.#columns, this.store, this.annotations, this.sync.settings.value);
  }

  #loadDetail(): void {
    const zoom = this.sync.zoom.value;
    const { detailSource, metric } = this;
    const columns = this.#columns;
    if (zoom === null) this.#detail.clear();
    if (zoom === null || detailSource === null || columns?.downsampled !== true) return;
    const { smoothing, xAxis } = this.settings;
    const load = (): ReturnType<DetailSource> =>
      pointsWithin(columns, xAxis, zoom, this.store.origin, (steps) => detailSource(metric, steps, smoothing));
    this.#detail.want(metric, zoom, smoothing, load);
  }

  protected override moveCrosshair(): void {
    const at = this.sync.crosshair.value;
    this.reading = at === null ? null : (this.view?.read(at.x) ?? null);
    this.view?.drawOverlay(this.reading, this.pointer.brush);
  }

  stepCrosshair(by: number): boolean {
    const shown = this.view?.places(false) ?? new Float64Array(0);
    const whole = this.view?.places(true);
    if (whole === undefined || whole.length === 0) return false;
    const { reading } = this;
    const beside = reading === null || !Number.isFinite(by) ? null : indexBeside(shown, reading.index, by);
    if (reading !== null && beside !== null && beside !== reading.index) this.#point(shown[beside]);
    // From the ends of what a zoom has in detail the whole curve goes on.
    else if (reading !== null && Number.isFinite(by))
      this.#point(whole[by > 0 ? upperBound(whole, reading.x) : lowerBound(whole, reading.x) - 1]);
    else this.#point(whole[indexBeside(whole, by < 0 ? whole.length : -1, by) ?? -1]);
    return true;
  }

  #point(x: number | undefined): void {
    if (x !== undefined && Number.isFinite(x)) this.sync.crosshair.set({ x, owner: this });
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
    const marks = spacedMarks(this.annotations.checkpoints, ({ step }) => plot.x.at(step));
    const mark = marks.find(({ step }) => Math.abs(plot.x.at(step) - pixel) <= 5);
    if (mark !== undefined) this.tell("checkpoint-select", mark.id);
  }

  protected override get csv(): CsvWriter | null {
    const columns = this.#columns;
    return columns === undefined ? null : async () => toCsv(this.metric, await this.#allPoints(columns), this.#counter);
  }

  /** The page may hold fewer points than there are: a file is to have every one. */
  async #allPoints(columns: SeriesColumns): Promise<readonly SeriesColumns[]> {
    const { steps, downsampled } = columns;
    if (!downsampled || this.allSource === null) return [columns];
    return (await this.allSource(this.metric, [steps[0] ?? 0, steps.at(-1) ?? 0])) ?? [columns];
  }
}

/** What a log axis cannot show of a series; null when it shows everything. */
function belowLog(columns: SeriesColumns | undefined): string | null {
  const count = columns?.values.reduce((sum, value) => sum + (Number.isFinite(value) && value <= 0 ? 1 : 0), 0) ?? 0;
  return count === 0 ? null : `${counted(count, "value")} at or below 0, not on a log axis`;
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-line-chart": LineChart;
  }
}
