/** One metric of many runs: their lines, a crosshair that reads them all, and where two of them part. */
import { css, type CSSResultGroup, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { counted } from "../../protocol/counted.ts";
import { formatInteger } from "../components/format.ts";
import type { Theme } from "../components/theme.ts";
import type { Observable } from "../transport/observable.ts";
import { ChartElement } from "./chart-element.ts";
import type { CsvWriter } from "./chart-export.ts";
import { counterOf, type XAxis, type XWindow } from "./chart-sync.ts";
import { overlaySentence, overlayTooltip } from "./overlay-reading.ts";
import { overlayCsv, overlayTable, type PointLine } from "./overlay-table.ts";
import { type LineReading, type OverlayLine, OverlayView } from "./overlay-view.ts";
import { type PlotArea, type PlotInput, xLabel } from "./plot-area.ts";
import type { Pace } from "./redraw.ts";
import { indexBeside } from "./scale.ts";
import { weightText } from "./smoothing-scale.ts";

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
  /** Every point of the lines that are shown, as it was logged. @throws TrainyardError */
  logged(metric: string, axis: XAxis): Promise<readonly PointLine[]>;
  /** A chart on the screen shows this window of a metric: lines that hold fewer points than there are ask for more of them. */
  refine(metric: string, axis: XAxis, window: XWindow, smoothing: number): void;
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
export class OverlayChart extends ChartElement<OverlayView> {
  static override styles: CSSResultGroup = [
    ChartElement.styles,
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

  @property({ attribute: false }) source!: OverlaySource;
  @state() private readings: readonly LineReading[] = [];
  @state() private parting: number | null = null;
  @state() private shownLines = 0;
  #drawn: readonly OverlayLine[] = [];

  constructor() {
    super(PACE);
  }

  protected override get isLive(): boolean {
    return this.source.live;
  }

  protected override makeView(area: PlotArea): OverlayView {
    return new OverlayView(area);
  }

  protected override listen(): (() => void)[] {
    return [
      this.source.onChange(() => {
        this.redraw.news();
      }),
      this.source.highlight.listen(() => {
        this.redraw.soon();
      }),
    ];
  }

  protected override onNews(): void {
    if (this.showTable) this.requestUpdate();
  }

  override render(): TemplateResult {
    const { smoothing } = this.settings;
    return this.renderChart({
      lead: nothing,
      value: nothing,
      notes: [
        ...(smoothing > 0 ? [`smoothed ${weightText(smoothing)}`] : []),
        ...(this.parting === null ? [] : [`part at step ${formatInteger(this.parting)}`]),
      ],
      label: `${this.metric}, ${counted(this.shownLines, "line")}`,
      inside: this.#renderReading(),
      reading: this.#sentence(),
      table: () =>
        overlayTable(
          this.metric,
          this.#drawn.map(({ name, steps, xs, raw, ys }) => ({ name, steps, xs, values: raw ?? ys })),
        ),
    });
  }

  get #position(): string {
    const { xAxis } = this.sync.settings.value;
    const unit = xAxis === "step" ? "Step" : counterOf(xAxis);
    return `${unit === null ? "" : `${unit} `}${xLabel(xAxis, this.at ?? 0)}`;
  }

  #renderReading(): TemplateResult | typeof nothing {
    const { plot } = this;
    const x = this.at;
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
    return this.at === null ? "" : overlaySentence(this.metric, this.#position, this.readings, this.source.lowerFirst(this.metric));
  }

  protected override drawLines(view: OverlayView, input: PlotInput): void {
    const { source, metric } = this;
    const { settings, theme } = input;
    const zoom = this.sync.zoom.value;
    if (zoom !== null) source.refine(metric, settings.xAxis, zoom, settings.smoothing);
    const lines = source.lines(metric, settings.xAxis, zoom, settings.smoothing, theme);
    this.#drawn = lines;
    this.shownLines = lines.length;
    this.parting = source.parting(lines);
    view.draw({
      ...input,
      lines,
      highlight: source.highlight.value,
      parting: this.parting === null ? null : this.#xOfStep(this.parting),
      ignoreOutliers: source.ignoreOutliers,
    });
  }

  #xOfStep(step: number): number {
    const line = this.#drawn[0];
    const index = line?.steps.findIndex((each) => each >= step) ?? -1;
    return line?.xs[index] ?? step;
  }

  get full(): XWindow {
    return this.source.span(this.sync.settings.value.xAxis);
  }

  protected override moveCrosshair(): void {
    const at = this.sync.crosshair.value;
    this.readings = at === null ? [] : (this.view?.read(at.x) ?? []);
    this.view?.drawOverlay(at?.x ?? null, this.readings, this.pointer.brush);
    this.requestUpdate();
  }

  /** By the points of the highlighted line, else of the first. */
  stepCrosshair(by: number): boolean {
    const highlighted = this.source.highlight.value;
    const line = this.#drawn.find((each) => each.id === highlighted) ?? this.#drawn[0];
    if (line === undefined || line.xs.length === 0) return false;
    const now = this.readings.find((reading) => reading.line.id === line.id)?.index ?? (by < 0 ? line.xs.length : -1);
    const index = indexBeside(line.xs, now, by);
    if (index !== null) this.sync.crosshair.set({ x: line.xs[index] ?? 0, owner: this });
    return true;
  }

  /** Many runs have many checkpoints: there is no next one. */
  jumpToCheckpoint(): boolean {
    return false;
  }

  /** A click chooses the metric that the legend shows. */
  clickAt(): void {
    this.tell("metric-select", this.metric);
  }

  protected override get csv(): CsvWriter {
    const { xAxis } = this.sync.settings.value;
    return async () => overlayCsv(await this.source.logged(this.metric, xAxis), counterOf(xAxis));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-overlay-chart": OverlayChart;
  }
}
