/** What this window knows of the store's runs: the `runs` topic kept as a map, with the short trend of each live run. */
import type { ApiClient } from "../../protocol/client.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { ServerMessage, Topic } from "../../protocol/messages.ts";
import { joinNames } from "../../protocol/name-list.ts";
import type { RunLine } from "../../protocol/run-line.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import type { SubscriptionHandlers } from "../../protocol/stream-client.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";
import { Emitter, type Disposable } from "../emitter.ts";
import type { ServerState, Subscription } from "../server/connection.ts";

const TREND_POINTS = 24;

export interface BoardSource {
  readonly state: ServerState;
  onState(listener: (state: ServerState) => void): Disposable;
  subscribe(topic: Topic, handlers: SubscriptionHandlers): Subscription;
  api(): Promise<ApiClient>;
}

export type BoardChange =
  /** Everything may be different: first answer, or after a lost connection. */
  | { readonly kind: "reset" }
  | { readonly kind: "run"; readonly run: RunLine; readonly before: RunLine | null }
  | { readonly kind: "removed"; readonly run: RunLine };

interface Trend {
  name: string;
  lastStep: number;
  values: number[];
}

export class RunBoard implements Disposable {
  readonly #source: BoardSource;
  readonly #changed = new Emitter<BoardChange>();
  readonly onChange = this.#changed.event;
  readonly #runs = new Map<RunId, RunLine>();
  readonly #trends = new Map<RunId, Trend>();
  readonly #watch: Disposable;
  #subscription: Subscription | null = null;
  #loaded = false;

  constructor(source: BoardSource) {
    this.#source = source;
    this.#watch = source.onState((state) => {
      if (state.kind === "connected") this.#follow();
    });
    if (source.state.kind === "connected") this.#follow();
  }

  /** False until the first answer: an empty list is then not yet known to be empty. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** Newest first. */
  runs(): RunLine[] {
    return [...this.#runs.values()].sort((a, b) => b.created_at.localeCompare(a.created_at) || b.id.localeCompare(a.id));
  }

  run(id: RunId): RunLine | undefined {
    return this.#runs.get(id);
  }

  live(): RunLine[] {
    return this.runs().filter((run) => LIVE_STATES.has(run.state));
  }

  /** Newest values of the headline metric, oldest first; empty until two are known. */
  trend(id: RunId): readonly number[] {
    return this.#trends.get(id)?.values ?? [];
  }

  dispose(): void {
    this.#watch.dispose();
    this.#subscription?.close();
    this.#changed.dispose();
  }

  /** Subscribed once: the stream client repeats it after each reconnect, and the answer starts with all runs again. */
  #follow(): void {
    this.#subscription ??= this.#source.subscribe(
      { topic: "runs" },
      {
        onMessage: (message) => {
          this.#receive(message);
        },
      },
    );
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case "runs": {
        const before = new Map(this.#runs);
        this.#runs.clear();
        for (const run of message.runs) this.#runs.set(run.id, run);
        for (const id of this.#trends.keys()) if (!this.#runs.has(id)) this.#trends.delete(id);
        for (const run of message.runs) this.#followTrend(run);
        const first = !this.#loaded;
        this.#loaded = true;
        this.#changed.fire({ kind: "reset" });
        // What ended while the connection was away is told as if it had been seen, so that notifications are not lost.
        if (!first)
          for (const run of message.runs) {
            const old = before.get(run.id);
            if (old !== undefined && old.state !== run.state) this.#changed.fire({ kind: "run", run, before: old });
          }
        return;
      }
      case "runs_changed":
        for (const run of message.runs) {
          const before = this.#runs.get(run.id) ?? null;
          this.#runs.set(run.id, run);
          this.#followTrend(run);
          this.#changed.fire({ kind: "run", run, before });
        }
        for (const id of message.removed) {
          const run = this.#runs.get(id);
          this.#runs.delete(id);
          this.#trends.delete(id);
          if (run !== undefined) this.#changed.fire({ kind: "removed", run });
        }
        return;
      default:
        return;
    }
  }

  #followTrend(run: RunLine): void {
    if (!LIVE_STATES.has(run.state)) {
      this.#trends.delete(run.id);
      return;
    }
    if (run.headline === null) return;
    const { name, last_step: step } = run.headline;
    const value = fromWireNumber(run.headline.last);
    const trend = this.#trends.get(run.id);
    if (trend?.name !== name) {
      this.#trends.set(run.id, { name, lastStep: step, values: [value] });
      void this.#seed(run.id, name);
    } else if (step > trend.lastStep) {
      trend.values = [...trend.values, value].slice(-TREND_POINTS);
      trend.lastStep = step;
    }
  }

  /** The curve so far, once per run: a window that opens late shows the same shape as one that was there from the start. */
  async #seed(id: RunId, name: string): Promise<void> {
    try {
      const api = await this.#source.api();
      const answer = await api.call("getSeries", {
        params: { id },
        query: { metrics: joinNames([name]), max_points: TREND_POINTS, format: "json" },
      });
      const points = answer.series[0];
      const trend = this.#trends.get(id);
      if (points === undefined || trend?.name !== name) return;
      const later = trend.values.slice(1);
      trend.values = [...points.values.map(Number), ...later].slice(-TREND_POINTS);
      const run = this.#runs.get(id);
      if (run !== undefined) this.#changed.fire({ kind: "run", run, before: run });
    } catch {
      // The trend is a decoration: it grows from the values that arrive.
    }
  }
}
