/** Everything the dashboard shows of one run, kept current over the transport; components listen and read. */
import type { Checkpoint } from "../../protocol/artifact.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunEvent } from "../../protocol/events.ts";
import { DEFAULT_GPU_LIMITS, type GpuLimits } from "../../protocol/gpu-warnings.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { ServerMessage } from "../../protocol/messages.ts";
import type { WaitingRun } from "../../protocol/queue.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import type { RunUsage, SystemSample } from "../../protocol/system.ts";
import { type Annotations, annotate, NO_ANNOTATIONS } from "../charts/annotations.ts";
import type { XWindow } from "../charts/chart-sync.ts";
import type { SeriesColumns } from "../charts/columns.ts";
import { asProblem } from "../components/problem.ts";
import { RunPoints } from "../charts/run-points.ts";
import { asksForAll, mayCount, wantedMetrics } from "../charts/wanted-metrics.ts";
import type { DiscardedTail, SeriesStore } from "../charts/series-store.ts";
import type { Connection, Subscription, Transport } from "../transport/transport.ts";

/** Samples kept for the sparklines: five minutes at one a second. */
const SYSTEM_SAMPLES = 300;
const DETAIL_POINTS = 4000;

export class RunModel {
  readonly id: RunId;
  readonly transport: Transport;
  detail: RunDetail | null = null;
  checkpoints: readonly Checkpoint[] = [];
  events: readonly RunEvent[] = [];
  usage: RunUsage | null = null;
  /** Where it waits in the queue; null while it does not. */
  place: WaitingRun | null = null;
  system: readonly SystemSample[] = [];
  limits: GpuLimits = DEFAULT_GPU_LIMITS;
  annotations: Annotations = NO_ANNOTATIONS;
  /** What went wrong last: without `detail` the reason why the run cannot be shown at all. */
  problem: TrainyardError | null = null;
  connection: Connection;
  /** ms since the epoch of the newest message about this run. */
  lastUpdate: number | null = null;
  readonly #points: RunPoints;
  #near: readonly string[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #subscriptions: Subscription[] = [];
  readonly #stops: (() => void)[] = [];
  #closed = false;
  #notifyRequest = 0;

  constructor(transport: Transport, id: RunId) {
    this.transport = transport;
    this.id = id;
    this.connection = transport.connection;
    this.#points = new RunPoints(transport, id, () => {
      this.lastUpdate = Date.now();
      this.#changed();
    });
  }

  get series(): SeriesStore {
    return this.#points.store;
  }

  /** Names of all metrics, in the order in which they appeared. Until the first points are there, those that the run's summary names. */
  get metrics(): readonly string[] {
    return this.#followsAll && this.series.names.length > 0 ? this.series.names : Object.keys(this.detail?.metrics ?? {});
  }

  /** Metrics that the x axis can count by. */
  get counters(): readonly string[] {
    if (this.#followsAll) return this.series.counters;
    return Object.entries(this.detail?.metrics ?? {}).flatMap(([name, summary]) => (mayCount(summary) ? [name] : []));
  }

  get #followsAll(): boolean {
    return asksForAll([this.detail?.metrics ?? {}]);
  }

  get live(): boolean {
    return this.detail !== null && LIVE_STATES.has(this.detail.state);
  }

  get connected(): boolean {
    return this.connection.state === "connected";
  }

  async open(): Promise<void> {
    this.#stops.push(
      this.transport.onConnection((connection) => {
        this.connection = connection;
        if (connection.state === "connected") void this.#reload();
        this.#changed();
      }),
    );
    const { transport, id } = this;
    this.#subscriptions.push(
      transport.subscribe(
        { topic: "run", run: id },
        {
          message: (message) => {
            this.#receive(message);
          },
        },
      ),
      transport.subscribe(
        { topic: "system" },
        {
          message: (message) => {
            this.#receive(message);
          },
        },
      ),
      transport.subscribe(
        { topic: "queue" },
        {
          message: (message) => {
            if (message.type !== "queue") return;
            this.place = message.queue.waiting.find((one) => one.id === id) ?? null;
            this.#changed();
          },
        },
      ),
    );
    // Beside each other: what comes later would move what is drawn already.
    await Promise.all([this.#reload(), this.#loadSystem()]);
  }

  close(): void {
    this.#closed = true;
    cancelAnimationFrame(this.#notifyRequest);
    this.#points.close();
    for (const subscription of this.#subscriptions) subscription.close();
    for (const stop of this.#stops) stop();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** These charts are on the screen: where a run has many metrics, only their points are kept current. */
  look(metrics: readonly string[]): void {
    this.#near = metrics;
    if (this.#follow() && this.detail !== null) this.#loadDiscarded(this.detail).catch(this.#failed);
  }

  #follow(): boolean {
    if (this.#closed || this.detail === null) return false;
    if (!this.#followsAll) return this.#points.follow(wantedMetrics(this.detail.metrics, this.#near));
    this.#points.followAll();
    return false;
  }

  placeOn(counter: string | null): void {
    if (this.#points.placeOn(counter) && this.detail !== null) void this.#reload();
  }

  smoothBy(weight: number): void {
    this.#points.smoothBy(weight);
  }

  /** Points of one metric in a window of steps, for a zoom deeper than the whole curve's resolution; null where there are no more. */
  readonly loadDetail = async (metric: string, [from, to]: XWindow, smoothing: number): Promise<SeriesColumns | null> => {
    try {
      const query = { metrics: [metric], from_step: from, to_step: to, beside: "true", max_points: DETAIL_POINTS, smoothing } as const;
      return (await this.#points.query(query)).get(metric) ?? null;
    } catch (error) {
      // The overview stays: it is right, only coarser.
      this.#failed(error);
      return null;
    }
  };

  /** Every point of a metric, where the page holds fewer than there are; null when they cannot be had. */
  readonly loadAll = async (metric: string, steps: XWindow): Promise<readonly SeriesColumns[] | null> => {
    try {
      return await this.#points.all(metric, steps);
    } catch (error) {
      this.#failed(error);
      return null;
    }
  };

  async #reload(): Promise<void> {
    try {
      const detail = await this.transport.request("getRun", { params: { id: this.id } });
      const { checkpoints } = await this.transport.request("listCheckpoints", { params: { id: this.id } });
      if (this.#closed) return;
      this.problem = null;
      this.#setDetail(detail);
      this.#setCheckpoints(checkpoints);
      await this.#loadDiscarded(detail);
    } catch (error) {
      this.#failed(error);
    }
    this.#changed();
  }

  /** While disconnected the badge says so, and the last known values stay on the page; any other failure is shown. */
  readonly #failed = (error: unknown): void => {
    if (this.#closed || (!this.connected && this.detail !== null)) return;
    this.problem = asProblem(error);
    this.#changed();
  };

  async #loadSystem(): Promise<void> {
    try {
      const { samples } = await this.transport.request("getSystem", { query: { minutes: 5 } });
      const newest = samples.at(-1)?.time ?? 0;
      this.system = [...samples, ...this.system.filter((sample) => sample.time > newest)].slice(-SYSTEM_SAMPLES);
      this.limits = await this.transport.request("getNotifySettings", {});
      this.#changed();
    } catch (error) {
      // The stream brings samples as they are taken; without history the sparklines start empty.
      this.#failed(error);
    }
  }

  #receive(message: ServerMessage): void {
    this.lastUpdate = Date.now();
    switch (message.type) {
      case "run": {
        const { detail } = this;
        const attemptChanged = detail?.attempt !== message.run.attempt || detail.state !== message.run.state;
        if (detail !== null) this.#setDetail({ ...detail, ...message.run });
        // Attempts, environment and resolved values come with the whole record.
        if (attemptChanged) void this.#reload();
        break;
      }
      case "events":
        this.events = [...this.events, ...message.events];
        break;
      case "checkpoints":
        this.#setCheckpoints(message.checkpoints);
        break;
      case "usage":
        this.usage = message.usage;
        break;
      case "system":
        this.system = [...this.system, message.sample].slice(-SYSTEM_SAMPLES);
        break;
      case "error":
        this.problem = new TrainyardError(message.code, message.message);
        break;
      default:
        break;
    }
    this.#changed();
  }

  #setDetail(detail: RunDetail): void {
    this.detail = detail;
    this.annotations = annotate(detail.attempts, this.checkpoints, detail.metrics);
    this.#follow();
    this.transport.setTitle(detail.name);
  }

  /** All of them, each time: one that is not among them was removed. */
  #setCheckpoints(fresh: readonly Checkpoint[]): void {
    this.checkpoints = [...fresh].sort((a, b) => b.step - a.step || b.attempt - a.attempt);
    if (this.detail !== null) this.annotations = annotate(this.detail.attempts, this.checkpoints, this.detail.metrics);
  }

  /** The steps that a later attempt went over again are not part of the joined curve; they are fetched apart. */
  async #loadDiscarded(detail: RunDetail): Promise<void> {
    const spans = annotate(detail.attempts, [], {}).attempts.filter((span) => span.replayed !== null);
    const metrics = this.#followsAll ? ["*"] : this.#near;
    if (spans.length === 0 || metrics.length === 0) return;
    const tails = new Map<string, DiscardedTail[]>();
    const { counter } = this.#points;
    for (const span of spans) {
      const query = { metrics, attempt: span.number, from_step: span.to ?? 0, max_points: 1000 };
      for (const [name, columns] of await this.#points.query(query))
        tails.set(name, [...(tails.get(name) ?? []), { attempt: span.number, columns }]);
    }
    // Another x axis was chosen meanwhile: these are not on it, and others are on their way.
    if (!this.#closed && counter === this.#points.counter) this.series.setDiscarded(tails);
  }

  /** Many messages of one instant make one update. */
  #changed(): void {
    if (this.#notifyRequest !== 0 || this.#closed) return;
    this.#notifyRequest = requestAnimationFrame(() => {
      this.#notifyRequest = 0;
      for (const listener of [...this.#listeners]) listener();
    });
  }
}
