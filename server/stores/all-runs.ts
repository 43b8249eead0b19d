/**
 * The runs of several stores as one list, each with the store that it lies in. What looks at a run is answered by the room of its store;
 * what changes one is for the server's own store alone. A run that lies in two stores is that of the store that comes first.
 */
import { TrainyardError, type Problem } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { otherStore } from "../../protocol/line-of-run.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { LineFields, RunLine } from "../../protocol/run-line.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import type { StoreOrigin } from "../../protocol/stores.ts";
import type { OpenRuns, RunOutline, Runs, RunsChange } from "../runs/types.ts";
import type { RunStore } from "../store/types.ts";

export interface StoreRoom {
  readonly origin: StoreOrigin;
  readonly store: RunStore;
  readonly runs: Runs;
}

/** Of the runs of a store that comes, so many of the newest are told to whoever looks; a list finds the others. */
const MOST_TOLD = 2000;

export class AllRuns implements OpenRuns {
  readonly #own: StoreRoom;
  /** The server's own comes first. */
  #rooms: readonly StoreRoom[];
  readonly #listeners = new Set<(change: RunsChange) => void>();
  readonly #subscriptions = new Map<StoreRoom, () => void>();

  constructor(own: StoreRoom) {
    this.#own = own;
    this.#rooms = [own];
    this.#subscribe(own);
  }

  /**
   * Shows the runs of a store that was read.
   * @param indexed told of each of its runs
   */
  join(room: StoreRoom, indexed: (id: RunId) => void): void {
    const runs = [...room.runs.briefs()].filter(({ id }) => this.#roomOf(id) === null);
    this.#rooms = [...this.#rooms, room];
    this.#subscribe(room);
    runs.sort((a, b) => (a.id < b.id ? 1 : -1));
    runs.forEach(({ id, state }, place) => {
      indexed(id);
      if (place < MOST_TOLD || LIVE_STATES.has(state)) this.#tell(id);
    });
  }

  /** Shows them no longer. */
  leave(room: StoreRoom): void {
    const ids = [...room.runs.briefs()].map(({ id }) => id).filter((id) => this.#roomOf(id) === room);
    this.#subscriptions.get(room)?.();
    this.#subscriptions.delete(room);
    this.#rooms = this.#rooms.filter((one) => one !== room);
    for (const id of ids) this.#tell(id);
  }

  /** Runs of a room that lie in one before it, too. */
  duplicates(room: StoreRoom): number {
    let count = 0;
    for (const { id } of room.runs.briefs()) if (this.#roomOf(id) !== room) count++;
    return count;
  }

  /** The store that a run lies in; the server's own for one that lies in none. */
  storeOf(id: RunId): RunStore {
    return (this.#roomOf(id) ?? this.#own).store;
  }

  get documents(): Runs["documents"] {
    return this.#own.runs.documents;
  }

  get size(): number {
    return this.#rooms.reduce((sum, room) => sum + room.runs.size - (room === this.#own ? 0 : this.duplicates(room)), 0);
  }

  *briefs(): Generator<RunOutline> {
    for (const room of this.#rooms) for (const run of room.runs.briefs()) if (this.#roomOf(run.id) === room) yield run;
  }

  liveCount(): number {
    return this.#rooms.reduce((sum, { runs }) => sum + runs.liveCount(), 0);
  }

  has(id: RunId): boolean {
    return this.#roomOf(id) !== null;
  }

  summary(id: RunId): RunSummary | undefined {
    const room = this.#roomOf(id);
    const run = room?.runs.summary(id);
    return room === null || run === undefined ? undefined : { ...run, store: room.origin };
  }

  line(id: RunId, fields?: LineFields): RunLine | undefined {
    const room = this.#roomOf(id);
    const line = room?.runs.line(id, fields);
    return room === null || line === undefined ? undefined : { ...line, ...otherStore(room.origin) };
  }

  *stamps(): Generator<readonly [RunId, string]> {
    for (const room of this.#rooms)
      for (const [id, stamp] of room.runs.stamps()) if (this.#roomOf(id) === room) yield [id, labelled(stamp, room.origin)];
  }

  state(id: RunId): { json: string; stamp: string } | undefined {
    const room = this.#roomOf(id);
    const state = room?.runs.state(id);
    if (room === null || state === undefined) return undefined;
    // Into the text, for it may be that of a run that lies in no memory.
    return { json: `{"store":${JSON.stringify(room.origin)},${state.json.slice(1)}`, stamp: labelled(state.stamp, room.origin) };
  }

  async detail(id: RunId): Promise<RunDetail> {
    const room = this.#room(id);
    return { ...(await room.runs.detail(id)), store: room.origin };
  }

  async series(id: RunId): ReturnType<Runs["series"]> {
    return this.#room(id).runs.series(id);
  }

  async systemSeries(id: RunId): ReturnType<Runs["systemSeries"]> {
    return this.#room(id).runs.systemSeries(id);
  }

  async create(...args: Parameters<Runs["create"]>): Promise<RunDetail> {
    return this.#labelled(this.#own.runs.create(...args));
  }

  async adopt(id: RunId): Promise<RunDetail> {
    return this.#labelled(this.#own.runs.adopt(id));
  }

  async editDraft(id: RunId, document: Parameters<Runs["editDraft"]>[1]): Promise<RunDetail> {
    return this.#labelled(this.#changeable(id).editDraft(id, document));
  }

  async startDraft(id: RunId): Promise<RunDetail> {
    return this.#labelled(this.#changeable(id).startDraft(id));
  }

  get queue(): Runs["queue"] {
    return this.#own.runs.queue;
  }

  async enqueue(id: RunId): Promise<RunDetail> {
    return this.#labelled(this.#changeable(id).enqueue(id));
  }

  async dequeue(id: RunId): Promise<RunDetail> {
    return this.#labelled(this.#changeable(id).dequeue(id));
  }

  async moveInQueue(...[id, to]: Parameters<Runs["moveInQueue"]>): ReturnType<Runs["moveInQueue"]> {
    return this.#changeable(id).moveInQueue(id, to);
  }

  queueHistory(...args: Parameters<Runs["queueHistory"]>): ReturnType<Runs["queueHistory"]> {
    return this.#own.runs.queueHistory(...args);
  }

  async cancel(id: RunId, request: Parameters<Runs["cancel"]>[1]): Promise<RunDetail> {
    return this.#labelled(this.#changeable(id).cancel(id, request));
  }

  async resume(id: RunId, request: Parameters<Runs["resume"]>[1]): Promise<RunDetail> {
    return this.#labelled(this.#changeable(id).resume(id, request));
  }

  async edit(id: RunId, changes: Parameters<Runs["edit"]>[1]): Promise<RunDetail> {
    return this.#labelled(this.#changeable(id).edit(id, changes));
  }

  async changeTag(...[id, checkpoint, change]: Parameters<Runs["changeTag"]>): ReturnType<Runs["changeTag"]> {
    return this.#changeable(id).changeTag(id, checkpoint, change);
  }

  async retainCheckpoints(...[id, request]: Parameters<Runs["retainCheckpoints"]>): ReturnType<Runs["retainCheckpoints"]> {
    return (request.apply ? this.#changeable(id) : this.#room(id).runs).retainCheckpoints(id, request);
  }

  async remove(id: RunId): ReturnType<Runs["remove"]> {
    return this.#changeable(id).remove(id);
  }

  async restore(...args: Parameters<Runs["restore"]>): ReturnType<Runs["restore"]> {
    return this.#own.runs.restore(...args);
  }

  async refresh(): Promise<{ runs: number; problems: Problem[] }> {
    const problems: Problem[] = [];
    for (const { runs } of this.#rooms) problems.push(...(await runs.refresh()).problems);
    return { runs: this.size, problems };
  }

  onChange(listener: (change: RunsChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #roomOf(id: RunId): StoreRoom | null {
    return this.#rooms.find(({ runs }) => runs.has(id)) ?? null;
  }

  /** The own one tells of a run that nobody has. */
  #room(id: RunId): StoreRoom {
    return this.#roomOf(id) ?? this.#own;
  }

  /** @throws TrainyardError other_store */
  #changeable(id: RunId): Runs {
    const { origin, runs } = this.#room(id);
    if (origin.own) return runs;
    const name = runs.summary(id)?.name ?? id;
    throw new TrainyardError(
      "other_store",
      `the run ${name} lies in the store ${origin.name} (${origin.path}), which is only shown here`,
      `Change it there: open the store's folder in VS Code, or use trainyard … --store ${origin.path}`,
    );
  }

  async #labelled(detail: Promise<RunDetail>): Promise<RunDetail> {
    return { ...(await detail), store: this.#own.origin };
  }

  #subscribe(room: StoreRoom): void {
    this.#subscriptions.set(
      room,
      room.runs.onChange((change) => {
        if (change.type === "queue") {
          if (room === this.#own) this.#emit(change);
          return;
        }
        const id = change.type === "summary" ? change.run.id : change.id;
        if (change.type === "removed") this.#tell(id);
        else if (this.#roomOf(id) !== room) return;
        else if (change.type === "summary") this.#emit({ type: "summary", run: { ...change.run, store: room.origin } });
        else this.#emit(change);
      }),
    );
  }

  /** What there is of a run now: it may have gone from one store and still lie in another. */
  #tell(id: RunId): void {
    const run = this.summary(id);
    this.#emit(run === undefined ? { type: "removed", id } : { type: "summary", run });
  }

  #emit(change: RunsChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function labelled(stamp: string, { name, path }: StoreOrigin): string {
  return stamp === "" ? "" : `${stamp} ${name} ${path}`;
}
