/** Everything the comparison shows of its runs, kept current over the transport; components listen and read. */
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import { MOST_STREAMED_POINTS } from "../../protocol/messages.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import { counterOf, type XAxis, type XWindow } from "../charts/chart-sync.ts";
import { axisStart, counterSpan, emptyWindow, widened, xColumn } from "../charts/chart-window.ts";
import type { SeriesColumns } from "../charts/columns.ts";
import type { OverlayLine } from "../charts/overlay-view.ts";
import type { OverlaySource } from "../charts/overlay-chart.ts";
import type { PointLine } from "../charts/overlay-table.ts";
import { lineStyle } from "../charts/palette.ts";
import { withoutPlace } from "../charts/scale.ts";
import { RunPoints } from "../charts/run-points.ts";
import { asksForAll, mayCount, wantedMetrics } from "../charts/wanted-metrics.ts";
import { pointsWithin, ZoomDetail } from "../charts/zoom-detail.ts";
import type { Theme } from "../components/theme.ts";
import { headlineLosses, orderMetrics } from "../dashboard/metrics.ts";
import type { Observable } from "../transport/observable.ts";
import type { Connection, Transport } from "../transport/transport.ts";
import { type Curve, type CurveSource, meanCurve, partingStep, runCurve } from "./curves.ts";
import { directionOf } from "./direction.ts";
import { type Entry, makeEntries } from "./entries.ts";
import { loggedLines } from "./logged-points.ts";
import type { CompareSettings } from "./compare-settings.ts";
import { RunRecords } from "./run-records.ts";
import { ShownLines } from "./shown-lines.ts";

/** Points of one line in a zoomed window: a wide chart has about as many pixels. */
const DETAIL_POINTS = 2000;
/** Over all runs, of each metric: so many are read, sent and drawn at first sight. */
const OVERVIEW_POINTS = 200_000;
const LEAST_OVERVIEW_POINTS = 1000;
/** A run that has no curve holds back nothing for longer. */
const PATIENCE_MS = 3000;
const BASELINE_DASH = [6, 3] as const;

interface CachedCurve {
  readonly key: string;
  readonly curve: Curve;
}

export class CompareModel implements OverlaySource {
  readonly legend: ShownLines;
  readonly transport: Transport;
  connection: Connection;
  readonly #records: RunRecords;
  readonly #points = new Map<RunId, RunPoints>();
  readonly #slots = new Map<string, number>();
  readonly #means = new Map<string, CachedCurve>();
  readonly #detail = new ZoomDetail(() => {
    this.#changed(false);
  });
  readonly #listeners = new Set<() => void>();
  /** Runs of which nothing was drawn yet. */
  readonly #unseen: Set<RunId>;
  #foldersRead = false;
  #patience: ReturnType<typeof setTimeout> | undefined;
  readonly #stops: (() => void)[] = [];
  #settings: CompareSettings;
  #entries: readonly Entry[] | null = null;
  #near: readonly string[] = [];
  #notifyRequest = 0;
  #closed = false;

  constructor(transport: Transport, runs: readonly RunId[], settings: CompareSettings) {
    this.transport = transport;
    this.connection = transport.connection;
    this.#settings = settings;
    this.legend = new ShownLines(
      () => this.entries,
      () => {
        this.#changed(false);
      },
    );
    const distinct = new Set(runs);
    const share = Math.max(LEAST_OVERVIEW_POINTS, Math.floor(OVERVIEW_POINTS / distinct.size));
    for (const run of distinct) {
      this.#slots.set(run, this.#points.size);
      const onFrame = (): void => {
        this.#seen(run);
        this.#changed(false);
      };
      this.#points.set(run, new RunPoints(transport, run, onFrame, Math.min(share, MOST_STREAMED_POINTS)));
    }
    this.#unseen = new Set(distinct);
    this.#records = new RunRecords(transport, [...distinct], () => {
      this.#follow();
      this.#changed(true);
    });
  }

  get runs(): readonly RunId[] {
    return [...this.#points.keys()];
  }

  get settings(): CompareSettings {
    return this.#settings;
  }

  change(part: Partial<CompareSettings>): void {
    this.#settings = { ...this.#settings, ...part };
    this.#changed(true);
  }

  get loaded(): boolean {
    return this.#records.loaded;
  }

  /** Runs that cannot be shown, with the reason. */
  get problems(): readonly string[] {
    return this.#records.problems;
  }

  get entries(): readonly Entry[] {
    this.#entries ??= makeEntries(this.#records.summaries, this.#slots, this.#settings.group);
    return this.#entries;
  }

  /** What the folders of an entry's runs tell; null while they were not read. */
  details(entry: Entry): readonly RunDetail[] | null {
    const details = entry.runs.flatMap((run) => this.#records.detail(run.id) ?? []);
    return details.length < entry.runs.length ? null : details;
  }

  get highlight(): Observable<string | null> {
    return this.legend.highlight;
  }

  get ignoreOutliers(): boolean {
    return this.#settings.ignoreOutliers;
  }

  get live(): boolean {
    return this.entries.some((entry) => entry.runs.some((run) => LIVE_STATES.has(run.state)));
  }

  get metrics(): readonly string[] {
    const names = new Set<string>();
    for (const { store } of this.#points.values()) for (const name of store.names) names.add(name);
    for (const { metrics } of this.#records.summaries) for (const name of Object.keys(metrics)) names.add(name);
    return orderMetrics([...names]);
  }

  /** Metrics that the x axis can count by, as far as one of the runs tells. */
  get counters(): readonly string[] {
    const all = this.#followsAll;
    const summaries = this.#records.summaries.flatMap(({ metrics }) => Object.entries(metrics));
    const names = all
      ? [...this.#points.values()].flatMap(({ store }) => store.counters)
      : summaries.flatMap(([name, summary]) => (mayCount(summary) ? [name] : []));
    return [...new Set(names)];
  }

  get #followsAll(): boolean {
    return asksForAll(this.#records.summaries.map(({ metrics }) => metrics));
  }

  /** Runs whose points have no place on the counter of the x axis, with the reason. */
  get unplaced(): readonly string[] {
    return [...this.#points].flatMap(
      ([
        run,
        {
          store: { counter },
        },
      ]) => (counter?.problem == null ? [] : [`${this.#records.summary(run)?.name ?? run} (${counter.problem})`]),
    );
  }

  /** These charts are on the screen: where the runs have many metrics, only their points are kept current. */
  look(metrics: readonly string[]): void {
    this.#near = metrics;
    this.#follow();
  }

  #follow(): void {
    // How many series there are is known once every run is.
    if (this.#closed || !this.loaded) return;
    const all = this.#followsAll;
    for (const { id, metrics } of this.#records.summaries) {
      const points = this.#points.get(id);
      if (all) points?.followAll();
      else points?.follow(wantedMetrics(metrics, this.#near));
    }
  }

  smoothBy(weight: number): void {
    for (const points of this.#points.values()) points.smoothBy(weight);
  }

  placeOn(counter: string | null): void {
    for (const points of this.#points.values()) points.placeOn(counter);
  }

  /** The metric of the legend: the chosen one, else the evaluation loss, else the first. */
  get metric(): string | null {
    const { metrics } = this;
    const chosen = this.#settings.metric;
    if (chosen !== null && metrics.includes(chosen)) return chosen;
    const names = Object.fromEntries(this.entries.flatMap((entry) => entry.runs.flatMap((run) => Object.entries(run.metrics))));
    const { train, evaluation } = headlineLosses(names);
    return evaluation ?? train ?? metrics[0] ?? null;
  }

  get baseline(): string | null {
    const { entries } = this;
    const wanted = this.#settings.baseline;
    // A baseline that went into a set of replicates, or came out of one, stays where its run is.
    return (entries.find((entry) => entry.id === wanted || entry.runs.some((run) => run.id === wanted)) ?? entries[0])?.id ?? null;
  }

  style(entry: Entry, theme: Theme): OverlayLine["style"] {
    const style = lineStyle(entry.slot, theme.kind);
    return entry.id === this.baseline ? { color: style.color, dash: BASELINE_DASH } : style;
  }

  lines(metric: string, axis: XAxis, window: XWindow | null, smoothing: number, theme: Theme): readonly OverlayLine[] {
    return this.legend.shown.flatMap((entry): OverlayLine[] => {
      const curve = this.#curve(entry, metric, axis, window, smoothing);
      if (curve === null) return [];
      const width = entry.id === this.baseline ? 2.1 : entry.runs.length > 1 ? 2.2 : 1.6;
      return [{ id: entry.id, name: entry.name, style: this.style(entry, theme), width, ...curve }];
    });
  }

  logged(metric: string, axis: XAxis): Promise<readonly PointLine[]> {
    return loggedLines(this.legend.shown, (run) => this.#points.get(run), metric, axis, this.#settings.spread);
  }

  refine(metric: string, axis: XAxis, window: XWindow, smoothing: number): void {
    for (const run of this.legend.shown.flatMap((entry) => entry.runs)) {
      const points = this.#points.get(run.id);
      const columns = points?.store.get(metric);
      if (points === undefined || columns?.downsampled !== true) continue;
      const query = { metrics: [metric], beside: "true", max_points: DETAIL_POINTS, smoothing } as const;
      const load = (): Promise<SeriesColumns | null> =>
        pointsWithin(columns, axis, window, points.store.origin, ([from_step, to_step]) =>
          loadDetail(points, metric, { ...query, from_step, to_step }),
        );
      this.#detail.want(detailKey(run.id, metric), window, smoothing, load);
    }
  }

  #curve(entry: Entry, metric: string, axis: XAxis, window: XWindow | null, smoothing: number): Curve | null {
    const sources = entry.runs.flatMap((run): CurveSource[] => {
      const series = this.#points.get(run.id)?.store;
      const columns = this.#detail.get(detailKey(run.id, metric), window) ?? series?.get(metric);
      if (series === undefined || columns === undefined || columns.length === withoutPlace(xColumn(columns, axis))) return [];
      return [{ columns, origin: series.origin }];
    });
    const [first] = sources;
    if (first === undefined) return null;
    if (entry.runs.length === 1) return runCurve(first, axis, smoothing);
    // A mean walks over every point; it is worked out anew only when there are new ones.
    const name = `${entry.id} ${metric}`;
    const key = [
      axis,
      this.#settings.spread,
      ...sources.map(
        ({ columns }) =>
          `${String(columns.length)}.${String(columns.revision)}@${String(columns.steps[0])}–${String(columns.steps.at(-1))}~${String(columns.smoothedBy(smoothing))}`,
      ),
    ].join(" ");
    const cached = this.#means.get(name);
    if (cached?.key === key) return cached.curve;
    const curve = meanCurve(sources, axis, smoothing, this.#settings.spread);
    this.#means.set(name, { key, curve });
    return curve;
  }

  span(axis: XAxis): XWindow {
    let first = Infinity;
    let last = -Infinity;
    const counter = counterOf(axis);
    for (const entry of this.legend.shown) {
      for (const run of entry.runs) {
        const series = this.#points.get(run.id)?.store;
        if (series?.span == null) continue;
        const { origin, span: reach } = series;
        if (counter !== null) {
          const span = series.counter?.problem == null ? counterSpan(series, counter) : null;
          first = Math.min(first, span?.[0] ?? Infinity);
          last = Math.max(last, span?.[1] ?? -Infinity);
          continue;
        }
        first = Math.min(first, axis === "wall" ? origin : axis === "step" ? reach.firstStep : 0);
        last = Math.max(last, axis === "step" ? reach.lastStep : axis === "wall" ? reach.lastTime : reach.lastTime - origin);
      }
    }
    if (first > last) return emptyWindow(axis);
    if (counter !== null) return widened([first, last]);
    if (axis === "step") return widened([axisStart(first, last), last]);
    return [first, Math.max(last, first + 1000)];
  }

  parting(lines: readonly OverlayLine[]): number | null {
    const [a, b, third] = lines;
    return a === undefined || b === undefined || third !== undefined ? null : partingStep(a, b);
  }

  lowerFirst(metric: string): boolean {
    return directionOf(metric, this.#settings.directions) !== "higher";
  }

  replicates(id: string): number {
    return this.entries.find((entry) => entry.id === id)?.runs.length ?? 1;
  }

  open(): void {
    this.#stops.push(
      this.transport.onConnection((connection) => {
        const back = connection.state === "connected" && this.connection.state !== "connected";
        this.connection = connection;
        if (back) void this.#records.load();
        this.#changed(false);
      }),
    );
    this.#records.open();
    this.#patience = setTimeout(() => {
      this.#readFolders();
    }, PATIENCE_MS);
  }

  close(): void {
    this.#closed = true;
    this.#detail.clear();
    cancelAnimationFrame(this.#notifyRequest);
    clearTimeout(this.#patience);
    for (const points of this.#points.values()) points.close();
    this.#records.close();
    for (const stop of this.#stops) stop();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #seen(run: RunId): void {
    this.#unseen.delete(run);
    if (this.#unseen.size === 0) this.#readFolders();
  }

  /** After the curves: reading folders would keep them waiting. */
  #readFolders(): void {
    if (this.#foldersRead || this.#closed) return;
    this.#foldersRead = true;
    void this.#records.load();
  }

  /** Many messages of one instant make one update. @param regroup the runs themselves changed, not only their points */
  #changed(regroup: boolean): void {
    if (regroup) {
      this.#entries = null;
      this.legend.emphasise();
    }
    if (this.#notifyRequest !== 0 || this.#closed) return;
    this.#notifyRequest = requestAnimationFrame(() => {
      this.#notifyRequest = 0;
      for (const listener of [...this.#listeners]) listener();
    });
  }
}

async function loadDetail(points: RunPoints, metric: string, query: Parameters<RunPoints["query"]>[0]): Promise<SeriesColumns | null> {
  try {
    return (await points.query(query)).get(metric) ?? null;
  } catch (error) {
    // The overview stays: it is right, only coarser.
    if (!(error instanceof TrainyardError)) throw error;
    return null;
  }
}

function detailKey(run: RunId, metric: string): string {
  return `${run} ${metric}`;
}
