/** The points of one run for charts: one subscription keeps its store current, and a zoom asks for more of them. */
import type { CallInput } from "../../protocol/client.ts";
import { decodeFrame } from "../../protocol/frames.ts";
import type { RunId } from "../../protocol/ids.ts";
import { MOST_STREAMED_POINTS } from "../../protocol/messages.ts";
import type { Subscription, Transport } from "../transport/transport.ts";
import type { SeriesColumns } from "./columns.ts";
import { readSeries, SeriesStore } from "./series-store.ts";

type Query = NonNullable<CallInput<"getSeries">["query"]>;

/** The metrics of a run, each with its columns. @throws TrainyardError */
export async function loadSeries(transport: Transport, run: RunId, query: Query): Promise<Map<string, SeriesColumns>> {
  const { header, body } = decodeFrame(await transport.bytes("getSeries", { params: { id: run }, query }));
  return readSeries(header, body);
}

export class RunPoints {
  readonly store = new SeriesStore();
  readonly #transport: Transport;
  readonly #run: RunId;
  readonly #onFrame: () => void;
  readonly #maxPoints: number;
  #subscription: Subscription | null = null;
  #counter: string | null = null;

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

  open(): void {
    this.#subscription = this.#transport.subscribe(
      { topic: "series", run: this.#run, metrics: ["*"], cursor: {}, max_points: this.#maxPoints, ...this.#x },
      {
        frame: (header, body) => {
          this.store.apply(header, body);
          this.#onFrame();
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
      this.open();
    }
    return true;
  }

  /** @throws TrainyardError */
  async query(query: Omit<Query, "x">): Promise<Map<string, SeriesColumns>> {
    return loadSeries(this.#transport, this.#run, { ...query, ...this.#x });
  }

  get #x(): { readonly x?: string } {
    return this.#counter === null ? {} : { x: this.#counter };
  }
}
