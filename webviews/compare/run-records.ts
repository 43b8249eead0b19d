/**
 * What is known of the runs of a comparison: their summaries come over the stream at once, so that curves have names and settings; what
 * only their folders tell (dataset, environment, code) is read when the curves are there.
 */
import { MOST_DETAILS } from "../../protocol/batch.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { ServerMessage } from "../../protocol/messages.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { Subscription, Transport } from "../transport/transport.ts";

export class RunRecords {
  readonly #transport: Transport;
  readonly #runs: readonly RunId[];
  readonly #onChange: () => void;
  readonly #summaries = new Map<RunId, RunSummary>();
  readonly #details = new Map<RunId, RunDetail>();
  readonly #problems = new Map<RunId, string>();
  #subscription: Subscription | null = null;

  /** @param onChange a summary or a detail came, or turned out not to be there */
  constructor(transport: Transport, runs: readonly RunId[], onChange: () => void) {
    this.#transport = transport;
    this.#runs = runs;
    this.#onChange = onChange;
  }

  /** In the order of the runs, of those that are known so far. */
  get summaries(): readonly RunSummary[] {
    return this.#runs.flatMap((run) => this.#summaries.get(run) ?? []);
  }

  summary(run: RunId): RunSummary | undefined {
    return this.#summaries.get(run);
  }

  /** With what is known of it now; undefined while its folder was not read. */
  detail(run: RunId): RunDetail | undefined {
    const detail = this.#details.get(run);
    return detail === undefined ? undefined : { ...detail, ...this.#summaries.get(run) };
  }

  /** Is there nothing more to wait for before curves are drawn? */
  get loaded(): boolean {
    return this.#runs.every((run) => this.#summaries.has(run) || this.#problems.has(run));
  }

  /** Runs that cannot be shown, with the reason. */
  get problems(): readonly string[] {
    return this.#runs.flatMap((run) => this.#problems.get(run) ?? []);
  }

  open(): void {
    this.#subscription = this.#transport.subscribe(
      { topic: "summaries", runs: [...this.#runs] },
      {
        message: (message) => {
          this.#take(message);
        },
      },
    );
  }

  close(): void {
    this.#subscription?.close();
    this.#subscription = null;
  }

  /** Reads the folders of all runs. What cannot be read keeps its last known values. */
  async load(): Promise<void> {
    for (let from = 0; from < this.#runs.length; from += MOST_DETAILS) {
      const wanted = this.#runs.slice(from, from + MOST_DETAILS);
      try {
        const { runs, failed } = await this.#transport.request("getRuns", { query: { runs: wanted.join(",") } });
        for (const detail of runs) this.#details.set(detail.id, detail);
        for (const { run, error } of failed) this.#miss(run, error.message);
      } catch (error) {
        if (!(error instanceof TrainyardError)) throw error;
        for (const run of wanted) this.#miss(run, error.message);
      }
      this.#onChange();
    }
  }

  #take(message: ServerMessage): void {
    if (message.type !== "summaries") return;
    for (const run of message.runs) this.#know(run);
    for (const run of message.missing) {
      const known = this.#summaries.get(run);
      // What was drawn of it stays: it may be what the others are compared to.
      if (known !== undefined) this.#problems.set(run, `${known.name} was removed; what is shown of it is its last state`);
      else this.#miss(run, `there is no run ${run}`);
    }
    this.#onChange();
  }

  #know(run: RunSummary): void {
    this.#summaries.set(run.id, run);
    this.#problems.delete(run.id);
  }

  #miss(run: RunId, reason: string): void {
    if (!this.#summaries.has(run)) this.#problems.set(run, `${run}: ${reason}`);
  }
}
