/**
 * The rows of the table, asked for a page at a time as they are scrolled into view. A change of a run is written into its row where it
 * stands: rows never move under the reader's eyes. What would add, remove or move rows waits until the reader asks for it.
 */
import type { FieldInfo } from "../../protocol/analysis.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId, Slug } from "../../protocol/ids.ts";
import type { EditRun } from "../../protocol/queries.ts";
import type { RunRecord } from "../../protocol/run.ts";
import type { TableColumn, ViewSettings } from "../../protocol/saved.ts";
import type { RunState } from "../../protocol/states.ts";
import { type Connection, isOffline, type Subscription, type Transport } from "../transport/transport.ts";
import { defaultColumns, type Field, fieldOf } from "./fields.ts";
import { type FilterError, quote, toFilterError } from "./filter-text.ts";
import { type GroupNode, groupSections, keyOf, nestGroups } from "./groups.ts";
import { TableLayout } from "./layout.ts";
import { type RowQuestions, RowWindow } from "./row-window.ts";
import { groupValues, type Row, rowFields, rowOf, scopeOf, sortKeys } from "./scope.ts";

/** Most rows that "select all" takes, and that one question answers. */
export const MOST_SELECTED = 10_000;
export const MOST_GROUPS = 1000;
/** Runs of a group that are shown before all of them are asked for. */
const FIRST_OF_GROUP = 10;
/** Changed rows are asked for again at most so often, counts and fields more rarely. */
const CATCH_UP_MS = 300;
const COUNT_MS = 2000;
const FIELDS_MS = 10_000;

export class ExploreModel {
  readonly transport: Transport;
  readonly project: Slug | null;
  connection: Connection;
  view: ViewSettings;
  /** Runs that pass the filters, as the rows show them; null before the first answer. */
  total: number | null = null;
  problem: TrainyardError | null = null;
  /** What the server found wrong with the filter. */
  filterError: FilterError | null = null;
  /** Where the clauses begin in the filter that the error is about. */
  starts: readonly number[] = [];
  /** By how many the runs that pass differ from those that are shown. */
  pending = 0;
  loading = false;
  states: Readonly<Partial<Record<RunState, number>>> = {};
  fields: ReadonlyMap<Field, FieldInfo> = new Map();
  groups: readonly GroupNode[] = [];
  /** Innermost groups that there are, also those beyond what is shown. */
  groupTotal = 0;
  layout = new TableLayout([]);
  #typed = "";
  #suited: readonly TableColumn[] | null = null;
  #window: RowWindow;
  /** Of the question that is under way. */
  #next: RowWindow | null = null;
  readonly #folded = new Set<string>();
  readonly #whole = new Set<string>();
  /** Answers to an earlier question are dropped. */
  #generation = 0;
  #fieldsAt = 0;
  #countAt = 0;
  #notifyRequest = 0;
  #timer: number | undefined;
  #countWanted = false;
  #closed = false;
  #subscription: Subscription | null = null;
  #stop: (() => void) | null = null;
  readonly #listeners = new Set<() => void>();

  constructor(transport: Transport, project: Slug | null, view: ViewSettings) {
    this.transport = transport;
    this.project = project;
    this.connection = transport.connection;
    this.view = view;
    this.#window = this.#newWindow("", []);
  }

  /** Those that were chosen, or those that suited the runs at first. */
  get columns(): readonly TableColumn[] {
    return this.view.columns ?? this.#suited ?? defaultColumns([]);
  }

  get fieldList(): readonly FieldInfo[] {
    return [...this.fields.values()];
  }

  /** The fields that group the rows, the outermost first: one that no run has any more groups nothing. */
  get groupFields(): readonly Field[] {
    return this.view.group.filter((field) => field.startsWith("record.") || this.fields.has(field));
  }

  get grouped(): boolean {
    return this.groupFields.length > 0;
  }

  /** The run at a place in the order of all runs. */
  row(place: number): Row | undefined {
    return this.#window.row(place);
  }

  /** @returns a row that is near what is in view, or selected */
  rowOfRun(id: RunId): Row | undefined {
    return this.#window.rowOfRun(id);
  }

  /** The runs at these places, also those far from what is in view. @throws TrainyardError */
  rowsAt(places: readonly number[]): Promise<Row[]> {
    return this.#window.rowsAt(places);
  }

  /** These runs as they are now, in this order. @throws TrainyardError */
  rowsOf(ids: readonly RunId[]): Promise<Row[]> {
    return this.#window.rowsOf(ids);
  }

  /** These rows stay up to date, also when they are far from what is in view. */
  keep(rows: ReadonlyMap<RunId, Row>): void {
    this.#window.keepRows(rows);
  }

  /** A value that the rows are sorted by has changed. */
  get disordered(): boolean {
    return this.#window.disordered;
  }

  open(): void {
    this.#stop = this.transport.onConnection((connection) => {
      const back = connection.state === "connected" && this.connection.state !== "connected";
      this.connection = connection;
      if (back && (this.problem !== null || this.total === null)) void this.refresh();
      this.#changed();
    });
    this.#subscription = this.transport.subscribe(
      { topic: "runs", changes_only: true },
      {
        message: (message) => {
          for (const rows of [this.#window, this.#next]) {
            // Begun, or begun again: what happened in between is not known.
            if (message.type === "runs") rows?.markAll();
            else if (message.type === "runs_changed")
              for (const id of [...message.runs.map((run) => run.id), ...message.removed]) rows?.mark(id);
            else return;
          }
          this.#countWanted = true;
          this.#later();
        },
      },
    );
    void this.refresh();
  }

  close(): void {
    this.#closed = true;
    cancelAnimationFrame(this.#notifyRequest);
    clearTimeout(this.#timer);
    this.#subscription?.close();
    this.#stop?.();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The rows hold all that this view shows: nothing is asked for. */
  show(view: ViewSettings): void {
    this.view = view;
    this.#changed();
  }

  /** @param typed a condition beside the clauses of the view, while it is being written */
  ask(view: ViewSettings, typed: string): Promise<void> {
    this.view = view;
    this.#typed = typed;
    return this.refresh();
  }

  /** Loads what is in view anew, in its true order. The old rows stand until the new ones are there. */
  async refresh(): Promise<void> {
    const mine = ++this.#generation;
    this.loading = true;
    this.#changed();
    try {
      if (this.fields.size === 0) await this.#loadFields();
      const scope = scopeOf(this.view, this.#typed, true);
      this.starts = scope.starts;
      const rows = this.#newWindow(scope.filter, sortKeys(this.view, this.fields));
      this.#next = rows;
      const [grouped] = await Promise.all([this.#loadGroups(scope.filter), rows.begin(this.#window.first), this.#loadCounts()]);
      if (mine !== this.#generation || this.#closed) return;
      ({ groups: this.groups, groupTotal: this.groupTotal } = grouped);
      rows.keepRows(this.#window.kept);
      this.#window = rows;
      this.total = rows.total;
      this.pending = 0;
      this.problem = null;
      this.filterError = null;
      this.#arrange();
    } catch (error) {
      if (mine !== this.#generation || this.#closed) return;
      if (!(error instanceof TrainyardError)) throw error;
      // A filter that the server refuses is told where it stands; anything else above the table.
      if (error.problems[0]?.field === "filter") this.filterError = toFilterError(error, 0);
      else this.problem = error;
    } finally {
      if (mine === this.#generation) {
        this.loading = false;
        this.#next = null;
      }
    }
    this.#changed();
  }

  /** The lines from `from` up to `to` are in view: loads those that are missing. */
  need(from: number, to: number): void {
    const places: number[] = [];
    for (let index = from; index < Math.min(to, this.layout.lines); index++) {
      const line = this.layout.line(index);
      if (line?.kind === "run") places.push(line.run);
    }
    this.#window.need(places);
    if (this.#window.stale.length > 0) this.#later();
  }

  isFolded(group: number): boolean {
    return this.#folded.has(this.#keyOf(group));
  }

  shownOf(group: number): number {
    const { runs } = this.groups[group] ?? { runs: 0 };
    if (this.isFolded(group)) return 0;
    return this.#whole.has(this.#keyOf(group)) ? runs : Math.min(runs, FIRST_OF_GROUP);
  }

  fold(group: number): void {
    const key = this.#keyOf(group);
    if (!this.#folded.delete(key)) this.#folded.add(key);
    this.#arrange();
    this.#changed();
  }

  showAll(group: number): void {
    this.#whole.add(this.#keyOf(group));
    this.#folded.delete(this.#keyOf(group));
    this.#arrange();
    this.#changed();
  }

  /** Every run that passes the filters, in order, with these fields and those of a row. @throws TrainyardError */
  async all(fields: readonly Field[], most: number): Promise<Row[]> {
    const rows: Row[] = [];
    const { filter } = scopeOf(this.view, this.#typed, true);
    const sort = sortKeys(this.view, this.fields);
    for (;;) {
      const page = await this.#query(filter, sort, rows.length, Math.min(MOST_SELECTED, most - rows.length), fields);
      rows.push(...page.rows);
      if (page.rows.length === 0 || rows.length >= Math.min(most, page.total)) return rows;
    }
  }

  /** @throws TrainyardError what the server refused */
  async edit(run: RunId, change: EditRun): Promise<void> {
    this.edited(run, await this.transport.request("editRun", { params: { id: run }, body: change }));
  }

  /** What a run is like after an edit. */
  edited(run: RunId, { tags, starred, archived }: Pick<RunRecord, "tags" | "starred" | "archived">): void {
    const row = this.#window.rowOfRun(run);
    if (row !== undefined) {
      const values = { ...row.values, "record.tags": tags, "record.starred": starred, "record.archived": archived };
      this.#window.replace({ ...row, values });
    }
    this.#changed();
  }

  #keyOf(group: number): string {
    return keyOf(this.groups[group] ?? { key: [] });
  }

  #arrange(): void {
    const all = this.total ?? 0;
    this.layout = new TableLayout(
      this.grouped
        ? groupSections(
            this.groups,
            (group) => this.isFolded(group),
            (group) => this.shownOf(group),
          )
        : [{ header: false, count: all, shown: all }],
    );
  }

  async #loadFields(): Promise<void> {
    this.#fieldsAt = Date.now();
    const { fields } = await this.transport.request("listFields", { query: this.project === null ? {} : { project: this.project } });
    this.fields = new Map(fields.map((info) => [info.name, info]));
    // Kept once there are runs, so that columns do not come and go as runs do.
    if (this.#suited === null && fields.length > 0) this.#suited = defaultColumns(fields);
  }

  async #loadGroups(filter: string): Promise<Pick<this, "groups" | "groupTotal">> {
    const fields = this.groupFields;
    const shared = { ...this.#projectPart, filter, values: groupValues(this.columns, this.fields), limit: MOST_GROUPS };
    const levels = await Promise.all(
      fields.map((_, level) => this.transport.request("aggregate", { body: { ...shared, group_by: fields.slice(0, level + 1) } })),
    );
    return { groups: nestGroups(levels.map(({ groups }) => groups)), groupTotal: levels.at(-1)?.total ?? 0 };
  }

  async #loadCounts(): Promise<number> {
    this.#countAt = Date.now();
    const { filter } = scopeOf(this.view, this.#typed, false);
    const { states, runs } = await this.transport.request("getStatistics", { query: { ...this.#projectPart, filter } });
    this.states = states;
    const chosen = this.view.states;
    return chosen.length === 0 ? runs : chosen.reduce((sum, state) => sum + (this.states[state] ?? 0), 0);
  }

  get #projectPart(): { project?: Slug } {
    return this.project === null ? {} : { project: this.project };
  }

  /** Rows of this question, whatever the view asks for later. */
  #newWindow(filter: string, sort: string[]): RowWindow {
    const keys = [...this.view.group, ...this.view.sort.map(fieldOf)];
    const questions: RowQuestions = {
      from: (offset, limit) => this.#query(filter, sort, offset, limit),
      of: async (ids) => {
        const fields = rowFields(this.columns, this.fields);
        const chosen = `record.id in (${ids.map(quote).join(", ")})`;
        const { rows } = await this.transport.request("queryRuns", { body: { filter: chosen, fields, limit: ids.length } });
        return rows.map((row) => rowOf(fields, row));
      },
    };
    return new RowWindow(questions, keys, () => {
      this.#changed();
    });
  }

  async #query(
    filter: string,
    sort: string[],
    offset: number,
    limit: number,
    more: readonly Field[] = [],
  ): Promise<{ rows: Row[]; total: number }> {
    const columns = [...this.columns, ...more.map((field) => ({ field, width: null, pinned: false }))];
    const fields = rowFields(columns, this.fields);
    const answer = await this.transport.request("queryRuns", { body: { ...this.#projectPart, filter, fields, sort, limit, offset } });
    return { rows: answer.rows.map((row) => rowOf(fields, row)), total: answer.total };
  }

  #later(): void {
    // A connection that comes back begins with what it missed.
    if (this.#closed || isOffline(this.connection)) return;
    this.#timer ??= window.setTimeout(() => {
      void this.#catchUp().finally(() => {
        this.#timer = undefined;
        if (this.#countWanted && this.total !== null) this.#later();
      });
    }, CATCH_UP_MS);
  }

  /** Asks again for the rows in view that changed, and now and then for how many there are. A failure shows in the connection's state. */
  async #catchUp(): Promise<void> {
    const mine = this.#generation;
    try {
      await this.#window.renew();
      if (this.#countWanted && Date.now() - this.#countAt > COUNT_MS && this.total !== null) {
        this.#countWanted = false;
        const now = await this.#loadCounts();
        if (mine === this.#generation) this.pending = Math.abs(now - this.total);
        if (Date.now() - this.#fieldsAt > FIELDS_MS) await this.#loadFields();
      }
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw error;
    }
    this.#changed();
  }

  #changed(): void {
    if (this.#notifyRequest !== 0 || this.#closed) return;
    this.#notifyRequest = requestAnimationFrame(() => {
      this.#notifyRequest = 0;
      for (const listener of [...this.#listeners]) listener();
    });
  }
}
