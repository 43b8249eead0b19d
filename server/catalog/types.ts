/** What the catalogue offers: an index over the runs that filters, sorts and pages. */
import type { z } from "zod";
import type {
  Aggregate,
  AggregateResult,
  AnalysisScope,
  Evaluate,
  EvaluateResult,
  FieldIndex,
  FieldValues,
  FieldValuesQuery,
  Histogram,
  HistogramResult,
  QueryResult,
  QueryRuns,
  RunStatistics,
} from "../../protocol/analysis.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { RunsQuery } from "../../protocol/queries.ts";

export type CatalogQuery = z.output<typeof RunsQuery>;

/** Project → name of a derived metric → expression. */
export type DerivedDefinitions = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A run as it is sent to the catalogue. */
export interface RunState {
  /** Its RunSummary. */
  readonly json: string;
  /** Differs between different states of the run; "" for one that changes all the time. */
  readonly stamp: string;
}

/** Where the catalogue gets its runs from. */
export interface RunSource {
  /** Every run and its stamp. */
  stamps(): Iterable<readonly [RunId, string]>;
  /** undefined for a run that is gone. */
  state(id: RunId): RunState | undefined;
}

/** What is asked of the worker, and what it answers. */
interface Operations {
  /** All runs that there are, and the stamp of each; the answer names those whose state has to be sent. */
  compare: { request: { readonly ids: readonly RunId[]; readonly stamps: readonly string[] }; answer: string[] };
  change: { request: { readonly upserts: readonly RunState[]; readonly removed: readonly string[] }; answer: null };
  list: { request: { readonly query: CatalogQuery }; answer: { ids: string[]; total: number } };
  fields: { request: { readonly query: AnalysisScope }; answer: FieldIndex };
  fieldValues: { request: { readonly query: FieldValuesQuery }; answer: FieldValues };
  query: { request: { readonly query: QueryRuns }; answer: QueryResult };
  aggregate: { request: { readonly query: Aggregate }; answer: AggregateResult };
  histogram: { request: { readonly query: Histogram }; answer: HistogramResult };
  statistics: { request: { readonly query: AnalysisScope }; answer: RunStatistics };
  evaluate: { request: { readonly query: Evaluate }; answer: EvaluateResult };
  define: { request: { readonly definitions: DerivedDefinitions }; answer: null };
  close: { request: object; answer: null };
}
export type Operation = keyof Operations;
export type CatalogRequest<O extends Operation = Operation> = { [K in O]: { readonly op: K } & Operations[K]["request"] }[O];
export type AnswerTo<O extends Operation> = Operations[O]["answer"];
/** Questions that the columns answer. */
export type Question = "fields" | "fieldValues" | "query" | "aggregate" | "histogram" | "statistics" | "evaluate";
export type QueryOf<O extends Question> = Operations[O]["request"]["query"];

export interface CatalogPage {
  readonly ids: RunId[];
  /** Runs that pass the filters, on all pages. */
  readonly total: number;
}

export interface Catalog {
  /**
   * Begins to load what is kept of the last server's index, while the runs are still being read. Settles, however that goes, once it is a thread
   * of its own that does so.
   */
  open(): Promise<void>;
  /** Makes the index hold exactly the runs there are now; only what differs is sent. */
  sync(): Promise<void>;
  /** Notes a run that came, changed or went; later questions see it. */
  changed(id: RunId): void;
  /** @throws TrainyardError bad_request when the field to sort by does not exist, or the filter is not one */
  list(query: CatalogQuery): Promise<CatalogPage>;
  /** Takes over the derived metrics of all projects; later questions see them. */
  define(definitions: DerivedDefinitions): Promise<void>;
  /** Asks the columns. @throws TrainyardError bad_request, with the place in the expression */
  ask<O extends Question>(op: O, query: QueryOf<O>): Promise<AnswerTo<O>>;
  close(): Promise<void>;
}
