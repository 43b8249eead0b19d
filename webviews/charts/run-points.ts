/** The points of one run for charts: one subscription keeps its store current, and a zoom asks for more of them. */
import { decodeFrame } from "../../protocol/frames.ts";
import type { RunId } from "../../protocol/ids.ts";
import { MOST_STREAMED_POINTS } from "../../protocol/messages.ts";
import { joinNames } from "../../protocol/name-list.ts";
import type { Subscription, Transport } from "../transport/transport.ts";
import { SeriesColumns } from "./columns.ts";
import { upperBound } from "./scale.ts";
import { readSeries, SeriesStore } from "./series-store.ts";

interface Query {
  /** Names; one may end in "*". */
  readonly metrics: readonly string[];
  readonly max_points: number;
  readonly from_step?: number;
  readonly to_step?: number;
  /** One point more on each side of the steps. */
  readonly beside?: "true";
  readonly attempt?: number;
  readonly x?: string;
  /** Weight of the moving average that the points come with. */
  readonly smoothing?: number;
}

/** The metrics of a run, each with its columns. @throws TrainyardError */
export async function loadSeries(transport: Transport, run: RunId, query: Query): Promise<Map<string, SeriesColumns>> {
  const metrics = joinNames(query.metrics);
  const { header, body } = decodeFrame(await transport.bytes("getSeries", { params: { id: run }, query: { ...query, metrics } }));
  return readSeries(header, body);
}

/** Of metrics that were on the screen before, so many stay subscribed: one scrolls back as often as on. */
const KEPT = 40;
const ALL = "*";
/** In one answer, where all points are wanted. */
const PIECE_POINTS = 200_000;

export class RunPoints {
  readonly store = new SeriesStore();
  readonly #transport: Transport;
  readonly #run: RunId;
  readonly #onFrame: () => void;
  readonly #maxPoints: number;
  #subscription: Subscription | null = null;
  #counter: string | null = null;
  /** As it is wanted, and as the server was asked for it last. */
  #smoothing = 0;
  #asked = 0;
  /** The server was asked, and has not answered. */
  #waiting = false;
  /** Those asked for last stand first. */
  #metrics: readonly string[] = [];

  /**
   * @param onFrame points came
   * @param maxPoints of each metric, at first sight
   */
  constructor(transport: Transport, run: RunId, onFrame: () => void, maxPoints = MOST_STREAMED_POINTS) {
    this.#transport = transport;
    this.#run = run;
    this.#onFrame = onFrame;
    this.#maxPoints = maxPoints;
  }

  /** The metric that the points are placed on, null while that was never asked for. */
  get counter(): string | null {
    return this.#counter;
  }

  /** Keeps all metrics current. */
  followAll(): void {
    this.#follow([ALL], []);
  }

  /** Keeps these metrics current, and no others for long. @returns whether the server was asked for more */
  follow(metrics: readonly string[]): boolean {
    const others = this.#metrics.filter((name) => name !== ALL && !metrics.includes(name));
    return this.#follow(metrics, others.slice(0, KEPT));
  }

  #follow(metrics: readonly string[], others: readonly string[]): boolean {
    if (metrics.every((name) => this.#metrics.includes(name))) return false;
    this.#metrics = [...metrics, ...others];
    this.close();
    this.#open();
    return true;
  }

  #open(): void {
    const counter = this.#counter === null || this.#metrics.includes(ALL) ? [] : [this.#counter];
    const metrics = [...new Set([...this.#metrics, ...counter])];
    const smoothing = this.#smoothing;
    this.#asked = smoothing;
    this.#waiting = true;
    this.#subscription = this.#transport.subscribe(
      {
        topic: "series",
        run: this.#run,
        metrics,
        cursor: {},
        max_points: this.#maxPoints,
        ...this.#x,
        ...(smoothing > 0 && { smoothing }),
      },
      {
        frame: (header, body) => {
          this.#waiting = false;
          this.store.apply(header, body);
          this.#onFrame();
          this.#smooth();
        },
      },
    );
  }

  close(): void {
    this.#subscription?.close();
    this.#subscription = null;
  }

  /**
   * Places the points on a counter besides their steps and times: the server is asked for all of them anew, for only it holds each point.
   * @returns whether that changed anything; without a counter nothing does
   */
  placeOn(counter: string | null): boolean {
    if (counter === null || counter === this.#counter) return false;
    this.#counter = counter;
    this.store.forgetPlaces();
    if (this.#subscription !== null) {
      this.close();
      this.#open();
    }
    return true;
  }

  /**
   * Series of which every point is here follow the weight by themselves; of others the averages are asked for anew. What was drawn stays until they
   * come, and a slider that goes on meanwhile asks once more, for where it stands then.
   * @param weight of the moving average, 0 for none
   */
  smoothBy(weight: number): void {
    this.#smoothing = weight;
    this.#smooth();
  }

  #smooth(): void {
    if (this.#subscription === null || this.#waiting || this.#smoothing === this.#asked || !this.store.lacksPoints) return;
    this.close();
    this.#open();
  }

  /** @throws TrainyardError */
  async query(query: Omit<Query, "x">): Promise<Map<string, SeriesColumns>> {
    return loadSeries(this.#transport, this.#run, { ...query, ...this.#x });
  }

  /**
   * Every point of a metric between two steps, in pieces: no answer holds ten million.
   * @throws TrainyardError
   */
  async all(metric: string, [from_step, to_step]: readonly [number, number]): Promise<SeriesColumns[]> {
    const columns = (await this.query({ metrics: [metric], from_step, to_step, max_points: PIECE_POINTS })).get(metric);
    if (columns === undefined) return [];
    const middle = from_step + (to_step - from_step) / 2;
    // A single step, or two that no number lies between, cannot be parted further.
    if (!columns.downsampled || middle <= from_step || middle >= to_step) return [columns];
    const before = await this.all(metric, [from_step, middle]);
    const after = await this.all(metric, [middle, to_step]);
    // What stands at the border itself is in both.
    return [...before, ...after.map((piece) => behindStep(piece, middle))];
  }

  get #x(): { readonly x?: string } {
    return this.#counter === null ? {} : { x: this.#counter };
  }
}

function behindStep(columns: SeriesColumns, step: number): SeriesColumns {
  const { steps, times, values, attempts, xs } = columns;
  if (!(steps[0] !== undefined && steps[0] <= step)) return columns;
  const rest = new SeriesColumns();
  for (let i = upperBound(steps, step); i < columns.length; i++)
    rest.append(steps[i] ?? 0, times[i] ?? 0, values[i] ?? Number.NaN, attempts[i] ?? 0, xs[i]);
  return rest;
}
