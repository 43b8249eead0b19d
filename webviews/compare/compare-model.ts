/** Everything the comparison shows of its runs, kept current over the transport; components listen and read. */
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import { counterOf, type XAxis, type XWindow } from "../charts/chart-sync.ts";
import { axisStart, counterSpan, emptyWindow, stepWindow, widened, xColumn } from "../charts/chart-window.ts";
import type { SeriesColumns } from "../charts/columns.ts";
import type { OverlayLine } from "../charts/overlay-view.ts";
import type { OverlaySource } from "../charts/overlay-chart.ts";
import { lineStyle } from "../charts/palette.ts";
import { withoutPlace } from "../charts/scale.ts";
import { RunPoints } from "../charts/run-points.ts";
import { asksForAll, mayCount, wantedMetrics } from "../charts/wanted-metrics.ts";
import { ZoomDetail } from "../charts/zoom-detail.ts";
import type { Theme } from "../components/theme.ts";
import { headlineLosses, orderMetrics } from "../dashboard/metrics.ts";
import { Observable } from "../transport/observable.ts";
import type { Connection, Subscription, Transport } from "../transport/transport.ts";
import { type Curve, type CurveSource, meanCurve, partingStep, runCurve, type Spread } from "./curves.ts";
import { type ChosenDirections, directionOf } from "./direction.ts";
import { type Entry, makeEntries } from "./entries.ts";

/** What the user set up; kept by the panel so that it comes back after a reload. */
export interface CompareSettings {
  readonly baseline: string | null;
  readonly metric: string | null;
  readonly directions: ChosenDirections;
  readonly group: boolean;
  readonly spread: Spread;
  readonly ignoreOutliers: boolean;
}

export const DEFAULT_COMPARE: CompareSettings = {
  baseline: null,
  metric: null,
  directions: {},
  group: true,
  spread: "std",
  ignoreOutliers: true,
};

/** Points of one line in a zoomed window: a wide chart has about as many pixels. */
const DETAIL_POINTS = 2000;
const BASELINE_DASH = [6, 3] as const;

interface Member {
  readonly points: RunPoints;
  detail: RunDetail | null;
  problem: string | null;
}

interface CachedCurve {
  readonly key: string;
  readonly curve: Curve;
}

export class CompareModel implements OverlaySource {
  readonly highlight = new Observable<string | null>(null);
  readonly transport: Transport;
  connection: Connection;
  readonly #members = new Map<RunId, Member>();
  readonly #slots = new Map<string, number>();
  readonly #hidden = new Set<string>();
  readonly #means = new Map<string, CachedCurve>();
  readonly #detail = new ZoomDetail(() => {
    this.#changed(false);
  });
  readonly #listeners = new Set<() => void>();
  readonly #subscriptions: Subscription[] = [];
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
    for (const run of new Set(runs)) {
      this.#slots.set(run, this.#members.size);
      const points = new RunPoints(transport, run, () => {
        this.#changed(false);
      });
      this.#members.set(run, { points, detail: null, problem: null });
    }
  }

  get runs(): readonly RunId[] {
    return [...this.#members.keys()];
  }

  get settings(): CompareSettings {
    return this.#settings;
  }

  change(part: Partial<CompareSettings>): void {
    this.#settings = { ...this.#settings, ...part };
    this.#changed(true);
  }

  get loaded(): boolean {
    return [...this.#members.values()].every((member) => member.detail !== null || member.problem !== null);
  }

  /** Runs that cannot be shown, with the reason. */
  get problems(): readonly string[] {
    return [...this.#members.values()].flatMap((member) => (member.problem === null ? [] : [member.problem]));
  }

  get entries(): readonly Entry[] {
    const details = [...this.#members.values()].flatMap((member) => (member.detail === null ? [] : [member.detail]));
    this.#entries ??= makeEntries(details, this.#slots, this.#settings.group);
    return this.#entries;
  }

  get ignoreOutliers(): boolean {
    return this.#settings.ignoreOutliers;
  }

  get live(): boolean {
    return this.entries.some((entry) => entry.runs.some((run) => LIVE_STATES.has(run.state)));
  }

  get metrics(): readonly string[] {
    const names = new Set<string>();
    for (const { points, detail } of this.#members.values()) {
      for (const name of points.store.names) names.add(name);
      for (const name of Object.keys(detail?.metrics ?? {})) names.add(name);
    }
    return orderMetrics([...names]);
  }

  /** Metrics that the x axis can count by, as far as one of the runs tells. */
  get counters(): readonly string[] {
    const all = this.#followsAll;
    const byRun = [...this.#members.values()].flatMap(({ points, detail }) =>
      all ? points.store.counters : Object.entries(detail?.metrics ?? {}).flatMap(([name, of]) => (mayCount(of) ? [name] : [])),
    );
    return [...new Set(byRun)];
  }

  get #followsAll(): boolean {
    return asksForAll([...this.#members.values()].map(({ detail }) => detail?.metrics ?? {}));
  }

  /** Runs whose points have no place on the counter of the x axis, with the reason. */
  get unplaced(): readonly string[] {
    return [...this.#members].flatMap(([run, { points, detail }]) => {
      const { counter } = points.store;
      return counter?.problem == null ? [] : [`${detail?.name ?? run} (${counter.problem})`];
    });
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
    for (const { points, detail } of this.#members.values()) {
      if (detail === null) continue;
      if (all) points.followAll();
      else points.follow(wantedMetrics(detail.metrics, this.#near));
    }
  }

  placeOn(counter: string | null): void {
    for (const { points } of this.#members.values()) points.placeOn(counter);
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

  isHidden(id: string): boolean {
    return this.#hidden.has(id);
  }

  toggleHidden(id: string): void {
    if (!this.#hidden.delete(id)) this.#hidden.add(id);
    this.#changed(false);
  }

  /** Shows this one alone; all again when it is alone already. */
  showOnly(id: string): void {
    const others = this.entries.map((entry) => entry.id).filter((each) => each !== id);
    const alone = !this.#hidden.has(id) && others.every((each) => this.#hidden.has(each));
    this.#hidden.clear();
    if (!alone) for (const each of others) this.#hidden.add(each);
    this.#changed(false);
  }

  style(entry: Entry, theme: Theme): OverlayLine["style"] {
    const style = lineStyle(entry.slot, theme.kind);
    return entry.id === this.baseline ? { color: style.color, dash: BASELINE_DASH } : style;
  }

  lines(metric: string, axis: XAxis, window: XWindow | null, smoothing: number, theme: Theme): readonly OverlayLine[] {
    return this.#shown().flatMap((entry): OverlayLine[] => {
      const curve = this.#curve(entry, metric, axis, window, smoothing);
      if (curve === null) return [];
      const width = entry.id === this.baseline ? 2.1 : entry.runs.length > 1 ? 2.2 : 1.6;
      return [{ id: entry.id, name: entry.name, style: this.style(entry, theme), width, ...curve }];
    });
  }

  refine(metric: string, axis: XAxis, window: XWindow): void {
    for (const run of this.#shown().flatMap((entry) => entry.runs)) {
      const points = this.#members.get(run.id)?.points;
      const columns = points?.store.get(metric);
      if (points === undefined || columns?.downsampled !== true) continue;
      const [from_step, to_step] = stepWindow(columns, axis, window, points.store.origin);
      const query = { metrics: [metric], from_step, to_step, max_points: DETAIL_POINTS };
      this.#detail.want(detailKey(run.id, metric), window, () => loadDetail(points, metric, query));
    }
  }

  #shown(): readonly Entry[] {
    return this.entries.filter((entry) => !this.#hidden.has(entry.id));
  }

  #curve(entry: Entry, metric: string, axis: XAxis, window: XWindow | null, smoothing: number): Curve | null {
    const sources = entry.runs.flatMap((run): CurveSource[] => {
      const series = this.#members.get(run.id)?.points.store;
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
      smoothing,
      this.#settings.spread,
      ...sources.map(
        ({ columns }) =>
          `${String(columns.length)}.${String(columns.revision)}@${String(columns.steps[0])}–${String(columns.steps.at(-1))}`,
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
    for (const entry of this.entries) {
      if (this.#hidden.has(entry.id)) continue;
      for (const run of entry.runs) {
        const series = this.#members.get(run.id)?.points.store;
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

  async open(): Promise<void> {
    this.#stops.push(
      this.transport.onConnection((connection) => {
        const back = connection.state === "connected" && this.connection.state !== "connected";
        this.connection = connection;
        if (back) void this.#loadAll();
        this.#changed(false);
      }),
    );
    for (const [run, member] of this.#members) {
      this.#subscriptions.push(
        this.transport.subscribe(
          { topic: "run", run },
          {
            message: (message) => {
              if (message.type !== "run" || member.detail === null) return;
              member.detail = { ...member.detail, ...message.run };
              this.#follow();
              this.#changed(true);
            },
          },
        ),
      );
    }
    await this.#loadAll();
  }

  close(): void {
    this.#closed = true;
    this.#detail.clear();
    cancelAnimationFrame(this.#notifyRequest);
    for (const { points } of this.#members.values()) points.close();
    for (const subscription of this.#subscriptions) subscription.close();
    for (const stop of this.#stops) stop();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #loadAll(): Promise<void> {
    await Promise.all([...this.#members].map(([run, member]) => this.#load(run, member)));
  }

  async #load(run: RunId, member: Member): Promise<void> {
    try {
      member.detail = await this.transport.request("getRun", { params: { id: run } });
      member.problem = null;
      this.#follow();
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw error;
      // While disconnected the last known values stay on the page.
      if (member.detail === null) member.problem = `${run}: ${error.message}`;
      this.#follow();
    }
    this.#changed(true);
  }

  /** Many messages of one instant make one update. @param regroup the runs themselves changed, not only their points */
  #changed(regroup: boolean): void {
    if (regroup) this.#entries = null;
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
