/**
 * The rows of the table by their pages. Which run stands at which place is remembered of every page that was seen, some tens of bytes a run,
 * so that a page that comes again is the same; what the rows show is held of the pages alone that were in view last. Pure.
 */
import type { RunId } from "../../protocol/ids.ts";
import type { Row } from "./scope.ts";

/** Rows that are asked for at once. */
export const PAGE = 100;
/** Pages whose rows are held: many screens. */
export const MOST_PAGES = 20;

export function pageOf(place: number): number {
  return Math.floor(place / PAGE);
}

export class RowPages {
  /** The rows of a page by their places in the order of all runs; the page that was in view last at the end. */
  readonly #rows = new Map<number, Map<number, Row>>();
  readonly #runs = new Map<number, ReadonlyMap<number, RunId>>();
  readonly #places = new Map<RunId, number>();

  row(place: number): Row | undefined {
    return this.#rows.get(pageOf(place))?.get(place);
  }

  rowOfRun(id: RunId): Row | undefined {
    const place = this.#places.get(id);
    return place === undefined ? undefined : this.row(place);
  }

  /** Has the run a place, also where its row is not held? */
  knows(id: RunId): boolean {
    return this.#places.has(id);
  }

  /** The runs of a page by their places; undefined of one that was never seen. */
  runsOf(page: number): ReadonlyMap<number, RunId> | undefined {
    return this.#runs.get(page);
  }

  rowsOf(page: number): ReadonlyMap<number, Row> | undefined {
    return this.#rows.get(page);
  }

  /** The runs whose rows are held. */
  *held(): Generator<RunId> {
    for (const rows of this.#rows.values()) for (const { id } of rows.values()) yield id;
  }

  /** From now on these runs stand there; one that has a place keeps it, and a page that was seen its runs. @returns those that stand there */
  see(page: number, rows: ReadonlyMap<number, Row>): ReadonlyMap<number, Row> {
    const before = this.#runs.get(page);
    const here = new Map([...rows].filter(([place, { id }]) => (before === undefined ? !this.#places.has(id) : before.get(place) === id)));
    if (before !== undefined) return here;
    this.#runs.set(page, new Map([...here].map(([place, { id }]) => [place, id])));
    for (const [place, { id }] of here) this.#places.set(id, place);
    return here;
  }

  hold(page: number, rows: ReadonlyMap<number, Row>): void {
    this.#rows.set(page, new Map(rows));
  }

  /** Writes a row where its run stands, if that page is held. */
  replace(row: Row): void {
    const place = this.#places.get(row.id);
    if (place !== undefined && this.row(place) !== undefined) this.#rows.get(pageOf(place))?.set(place, row);
  }

  /** Lets go of the rows that were in view the longest ago. @param inView pages that stay */
  keep(inView: ReadonlySet<number>): void {
    for (const page of inView) {
      const rows = this.#rows.get(page);
      if (rows === undefined) continue;
      this.#rows.delete(page);
      this.#rows.set(page, rows);
    }
    for (const page of this.#rows.keys()) {
      if (this.#rows.size <= MOST_PAGES) return;
      if (!inView.has(page)) this.#rows.delete(page);
    }
  }
}
