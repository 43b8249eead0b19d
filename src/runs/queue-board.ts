/** What this window knows of the store's queue: the `queue` topic, kept. */
import type { RunId } from "../../protocol/ids.ts";
import type { Queue, WaitingRun } from "../../protocol/queue.ts";
import { Emitter, type Disposable } from "../emitter.ts";
import type { Subscription } from "../server/connection.ts";
import type { BoardSource } from "./board.ts";

export class QueueBoard implements Disposable {
  readonly #changed = new Emitter<Queue>();
  readonly onChange = this.#changed.event;
  readonly #watch: Disposable;
  #subscription: Subscription | null = null;
  #queue: Queue | null = null;

  constructor(source: Pick<BoardSource, "state" | "onState" | "subscribe">) {
    const follow = (): void => {
      this.#subscription ??= source.subscribe(
        { topic: "queue" },
        {
          onMessage: (message) => {
            if (message.type === "queue") this.#changed.fire((this.#queue = message.queue));
          },
        },
      );
    };
    this.#watch = source.onState((state) => {
      if (state.kind === "connected") follow();
    });
    if (source.state.kind === "connected") follow();
  }

  /** null before the first answer. */
  get queue(): Queue | null {
    return this.#queue;
  }

  /** Where a run waits; undefined for one that does not. */
  place(run: RunId): WaitingRun | undefined {
    return this.#queue?.waiting.find(({ id }) => id === run);
  }

  dispose(): void {
    this.#watch.dispose();
    this.#subscription?.close();
    this.#changed.dispose();
  }
}
