/**
 * The rows near what is in view, of one question to the server: pages come when they are looked at and go when they are far away, changes are
 * written where the run stands, and a run that was seen stands at its place until the next question. Selected rows are kept wherever they stand.
 */
import type { RunId } from "../../protocol/ids.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import type { Field } from "./fields.ts";
import { PAGE, pageOf, RowPages } from "./row-pages.ts";
import type { Row } from "./scope.ts";

/** Ids that fit into one filter. */
const MOST_IDS = 150;
/** Questions for one page that others have moved since. */
const MOST_ROUNDS = 4;
/** A page that could not be had is asked for again after so long. */
const RETRY_MS = 1000;

export interface RowQuestions {
  /** Rows from a place in the order of now on. @throws TrainyardError */
  from(offset: number, limit: number): Promise<{ readonly rows: readonly Row[]; readonly total: number }>;
  /** These runs, at most `MOST_IDS`; those that are there no more are left out. @throws TrainyardError */
  of(ids: readonly RunId[]): Promise<readonly Row[]>;
}

export class RowWindow {
  /** A value that the rows are sorted by has changed. */
  disordered = false;
  /** Runs that passed the filters when the question was asked. */
  total = 0;
  readonly #questions: RowQuestions;
  readonly #keys: readonly Field[];
  readonly #onChange: () => void;
  readonly #pages = new RowPages();
  readonly #underWay = new Set<number>();
  readonly #stale = new Set<RunId>();
  #kept = new Map<RunId, Row>();
  #inView: readonly number[] = [];
  #pagesInView: ReadonlySet<number> = new Set();

  /** @param keys the fields that the rows are in the order of; `onChange` when rows came */
  constructor(questions: RowQuestions, keys: readonly Field[], onChange: () => void) {
    this.#questions = questions;
    this.#keys = keys;
    this.#onChange = onChange;
  }

  row(place: number): Row | undefined {
    return this.#pages.row(place);
  }

  /** A row that is held or kept. */
  rowOfRun(id: RunId): Row | undefined {
    return this.#pages.rowOfRun(id) ?? this.#kept.get(id);
  }

  /** The first place in view. */
  get first(): number {
    return this.#inView[0] ?? 0;
  }

  get kept(): ReadonlyMap<RunId, Row> {
    return this.#kept;
  }

  /** These rows stay up to date wherever they stand. */
  keepRows(rows: ReadonlyMap<RunId, Row>): void {
    this.#kept = new Map([...rows].map(([id, row]) => [id, this.rowOfRun(id) ?? row]));
  }

  /** Asks for the first page that is shown. @param place one of its places @throws TrainyardError */
  async begin(place: number): Promise<void> {
    const page = pageOf(place);
    this.#underWay.add(page);
    const { rows, total } = await this.#questions.from(page * PAGE, PAGE);
    this.total = total;
    this.#hold(page, this.#pages.see(page, placed(page, rows)));
    this.#underWay.delete(page);
  }

  /** These places are in view: asks for those that are not held, and lets go of what is far from them. */
  need(places: readonly number[]): void {
    this.#inView = places;
    this.#pagesInView = new Set(places.map(pageOf));
    this.#pages.keep(this.#pagesInView);
    for (const page of this.#pagesInView) {
      if (this.#underWay.has(page) || this.#pages.rowsOf(page) !== undefined) continue;
      this.#underWay.add(page);
      void this.#load(page);
    }
  }

  /** The rows at these places; what is not held is asked for. @throws TrainyardError */
  async rowsAt(places: readonly number[]): Promise<Row[]> {
    const pages = new Map<number, ReadonlyMap<number, Row>>();
    for (const page of new Set(places.map(pageOf))) pages.set(page, this.#pages.rowsOf(page) ?? (await this.#ask(page)));
    return places.flatMap((place) => pages.get(pageOf(place))?.get(place) ?? []);
  }

  /** The rows of these runs as they are now, in this order. @throws TrainyardError */
  async rowsOf(ids: readonly RunId[]): Promise<Row[]> {
    const rows: Row[] = [];
    for (let at = 0; at < ids.length; at += MOST_IDS) rows.push(...(await this.#again(ids.slice(at, at + MOST_IDS))));
    return rows;
  }

  /** The run has changed. Of one that is not held nothing needs to be known: its row comes fresh. */
  mark(id: RunId): void {
    if (this.#underWay.size > 0 || this.rowOfRun(id) !== undefined) this.#stale.add(id);
  }

  /** What happened for a while is not known. */
  markAll(): void {
    for (const id of [...this.#pages.held(), ...this.#kept.keys()]) this.#stale.add(id);
  }

  /** Rows in view, or kept, that have changed. */
  get stale(): readonly RunId[] {
    if (this.#stale.size === 0) return [];
    const shown = [...this.#inView.flatMap((place) => this.#pages.row(place)?.id ?? []), ...this.#kept.keys()];
    return shown.filter((id) => this.#stale.has(id));
  }

  /** Asks again for some of the stale rows. @throws TrainyardError they are stale still */
  async renew(): Promise<void> {
    const ids = [...new Set(this.stale)].slice(0, MOST_IDS);
    if (ids.length === 0) return;
    for (const id of ids) this.#stale.delete(id);
    try {
      for (const row of await this.#again(ids)) this.#renewed(row);
    } catch (error) {
      for (const id of ids) this.#stale.add(id);
      throw error;
    }
  }

  /** Writes a row in place of the one before it, if that is held or kept. */
  replace(row: Row): void {
    this.#pages.replace(row);
    if (this.#kept.has(row.id)) this.#kept.set(row.id, row);
  }

  #renewed(row: Row): void {
    const before = this.#pages.rowOfRun(row.id);
    if (
      before !== undefined &&
      !row.gone &&
      this.#keys.some((key) => JSON.stringify(row.values[key]) !== JSON.stringify(before.values[key]))
    )
      this.disordered = true;
    this.replace(row);
  }

  async #load(page: number): Promise<void> {
    try {
      this.#hold(page, await this.#ask(page));
      this.#underWay.delete(page);
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw error;
      // The rows stay blank for a while: asked for at once, a server that is away would be asked without end.
      setTimeout(() => {
        this.#underWay.delete(page);
        this.#onChange();
      }, RETRY_MS);
    }
    this.#onChange();
  }

  #hold(page: number, rows: ReadonlyMap<number, Row>): void {
    this.#pages.hold(page, rows);
    this.#pages.keep(this.#pagesInView);
    // What changed while pages were under way may be of rows that are not held.
    if (this.#underWay.size <= 1) for (const id of this.#stale) if (this.rowOfRun(id) === undefined) this.#stale.delete(id);
  }

  /** A page that was seen has the same runs again, whatever came and went since. */
  async #ask(page: number): Promise<ReadonlyMap<number, Row>> {
    const runs = this.#pages.runsOf(page);
    if (runs === undefined) return this.#pages.see(page, placed(page, await this.#unseen(page)));
    const now = new Map((await this.#again([...runs.values()])).map((row) => [row.id, row]));
    return new Map(
      [...runs].flatMap(([place, id]) => {
        const row = now.get(id);
        return row === undefined ? [] : [[place, row] as const];
      }),
    );
  }

  /** As many runs as the page has places, without those that stand elsewhere: runs that came since move the others. */
  async #unseen(page: number): Promise<Row[]> {
    const wanted = Math.min(PAGE, this.total - page * PAGE);
    const found: Row[] = [];
    let at = page * PAGE;
    for (let round = 0; round < MOST_ROUNDS && found.length < wanted; round++) {
      const { rows } = await this.#questions.from(at, wanted - found.length);
      at += rows.length;
      found.push(...rows.filter(({ id }) => !this.#pages.knows(id)));
      if (rows.length === 0) break;
    }
    return found;
  }

  /** Each of these runs, at most `MOST_IDS`, in this order; one that is there no more as it was. */
  async #again(ids: readonly RunId[]): Promise<Row[]> {
    const now = new Map((await this.#questions.of(ids)).map((row) => [row.id, row]));
    return ids.map((id) => now.get(id) ?? { ...(this.rowOfRun(id) ?? { id, values: { "record.name": id } }), gone: true });
  }
}

function placed(page: number, rows: readonly Row[]): Map<number, Row> {
  return new Map(rows.map((row, index) => [page * PAGE + index, row]));
}
