/**
 * The rows of the table, loaded a page at a time as they are scrolled into view. A change of a run is written into its row where it
 * stands: rows never move under the reader's eyes. What would change the order waits until the reader asks for it.
 */
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { EditRun } from "../../protocol/queries.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { RunState } from "../../protocol/states.ts";
import type { Connection, Subscription, Transport } from "../transport/transport.ts";

export interface RowsQuery {
  readonly project: string | null;
  readonly search: string;
  /** Empty: all states. */
  readonly states: readonly RunState[];
  readonly archived: boolean;
  readonly sort: string;
}

const PAGE = 100;
/** Most rows that "select all" takes. */
const MOST_SELECTED = 10_000;
const SELECT_PAGE = 1000;

export class ExploreModel {
  readonly transport: Transport;
  connection: Connection;
  /** Runs that pass the filters. */
  total: number | null = null;
  problem: TrainyardError | null = null;
  /** Runs that came or went since the rows were loaded. */
  pending = 0;
  #query: RowsQuery;
  #rows = new Map<number, RunSummary>();
  #places = new Map<RunId, number>();
  #asked = new Set<number>();
  /** Answers to an earlier query are dropped. */
  #generation = 0;
  #notifyRequest = 0;
  #closed = false;
  #subscription: Subscription | null = null;
  #stop: (() => void) | null = null;
  #listed = false;
  readonly #known = new Set<RunId>();
  readonly #listeners = new Set<() => void>();

  constructor(transport: Transport, query: RowsQuery) {
    this.transport = transport;
    this.connection = transport.connection;
    this.#query = query;
  }

  get query(): RowsQuery {
    return this.#query;
  }

  get loadedRows(): readonly RunSummary[] {
    return [...this.#rows.values()];
  }

  row(index: number): RunSummary | undefined {
    return this.#rows.get(index);
  }

  open(): void {
    this.#stop = this.transport.onConnection((connection) => {
      const back = connection.state === "connected" && this.connection.state !== "connected";
      this.connection = connection;
      if (back && (this.problem !== null || this.total === null)) void this.refresh();
      this.#changed();
    });
    this.#subscription = this.transport.subscribe(
      { topic: "runs" },
      {
        message: (message) => {
          if (message.type === "runs") {
            // The first list names the runs there are; one after a reconnect may hold new ones.
            for (const run of message.runs) this.#receive(run, !this.#listed);
            this.#listed = true;
          } else if (message.type === "run") this.#receive(message.run, false);
          else if (message.type === "run_removed") this.#removed(message.run);
          this.#changed();
        },
      },
    );
    void this.refresh();
  }

  close(): void {
    this.#closed = true;
    cancelAnimationFrame(this.#notifyRequest);
    this.#subscription?.close();
    this.#stop?.();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asks with another filter or order; the rows are new then. */
  async ask(part: Partial<RowsQuery>): Promise<void> {
    this.#query = { ...this.#query, ...part };
    await this.refresh();
  }

  /** Loads the rows anew, in their true order. The old ones stand until the new ones are there. */
  async refresh(): Promise<void> {
    const mine = ++this.#generation;
    this.#asked = new Set([0]);
    try {
      const page = await this.#fetch(0, PAGE);
      if (mine !== this.#generation || this.#closed) return;
      this.#rows = new Map();
      this.#places = new Map();
      this.pending = 0;
      this.problem = null;
      this.total = page.total;
      this.#put(0, page.runs);
    } catch (error) {
      if (mine !== this.#generation || this.#closed) return;
      if (!(error instanceof TrainyardError)) throw error;
      this.problem = error;
    }
    this.#changed();
  }

  /** Rows [from, to) are in view: loads those that are missing. */
  need(from: number, to: number): void {
    const last = Math.min(to, this.total ?? 0) - 1;
    for (let page = Math.floor(from / PAGE); page <= Math.floor(last / PAGE); page++) {
      if (this.#asked.has(page)) continue;
      this.#asked.add(page);
      void this.#loadPage(page);
    }
  }

  /** Every run that passes the filters, in order, up to ten thousand. @throws TrainyardError */
  async all(): Promise<RunSummary[]> {
    const runs: RunSummary[] = [];
    const wanted = Math.min(this.total ?? 0, MOST_SELECTED);
    while (runs.length < wanted) {
      const page = await this.#fetch(runs.length, SELECT_PAGE);
      if (page.runs.length === 0) break;
      runs.push(...page.runs);
    }
    return runs.slice(0, MOST_SELECTED);
  }

  /** @throws TrainyardError what the server refused */
  async edit(run: RunId, change: EditRun): Promise<void> {
    const edited = await this.transport.request("editRun", { params: { id: run }, body: change });
    this.#receive(edited, true);
    this.#changed();
  }

  /** @throws TrainyardError */
  async remove(run: RunId): Promise<void> {
    await this.transport.request("deleteRun", { params: { id: run } });
  }

  async #loadPage(page: number): Promise<void> {
    const mine = this.#generation;
    try {
      const { runs } = await this.#fetch(page * PAGE, PAGE);
      if (mine === this.#generation && !this.#closed) this.#put(page * PAGE, runs);
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw error;
      // The rows stay blank; the next look at them asks again.
      this.#asked.delete(page);
    }
    this.#changed();
  }

  #fetch(offset: number, limit: number): Promise<{ runs: RunSummary[]; total: number }> {
    const { project, search, states, archived, sort } = this.#query;
    return this.transport.request("listRuns", {
      query: {
        sort,
        limit,
        offset,
        archived: archived ? "true" : "false",
        ...(project === null ? {} : { project }),
        ...(search === "" ? {} : { search }),
        ...(states.length === 0 ? {} : { state: states.join(",") }),
      },
    });
  }

  #put(offset: number, runs: readonly RunSummary[]): void {
    for (const [i, run] of runs.entries()) {
      // A run that came meanwhile moves the later pages by one: it must not stand twice.
      const before = this.#places.get(run.id);
      if (before !== undefined && before !== offset + i) this.#rows.delete(before);
      this.#rows.set(offset + i, run);
      this.#places.set(run.id, offset + i);
      this.#known.add(run.id);
    }
  }

  #receive(run: RunSummary, quiet: boolean): void {
    const place = this.#places.get(run.id);
    if (place !== undefined) this.#rows.set(place, run);
    else if (!quiet && !this.#known.has(run.id) && this.#matches(run)) this.pending++;
    this.#known.add(run.id);
  }

  #matches(run: RunSummary): boolean {
    const { project, states, archived } = this.#query;
    return (
      (project === null || run.project === project) && (states.length === 0 || states.includes(run.state)) && run.archived === archived
    );
  }

  #removed(run: RunId): void {
    if (this.#places.has(run)) this.pending++;
    this.#known.delete(run);
  }

  #changed(): void {
    if (this.#notifyRequest !== 0 || this.#closed) return;
    this.#notifyRequest = requestAnimationFrame(() => {
      this.#notifyRequest = 0;
      for (const listener of [...this.#listeners]) listener();
    });
  }
}
