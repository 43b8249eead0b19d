/** What the catalogue offers: an index over the runs that filters, sorts and pages. */
import type { z } from "zod";
import type { RunId } from "../../protocol/ids.ts";
import type { RunsQuery } from "../../protocol/queries.ts";
import type { RunSummary } from "../../protocol/run.ts";

export type CatalogQuery = z.output<typeof RunsQuery>;

export interface CatalogPage {
  readonly ids: RunId[];
  /** Runs that pass the filters, on all pages. */
  readonly total: number;
}

export interface Catalog {
  /** Makes the index hold exactly the runs there are; only what differs is written. */
  sync(): Promise<void>;
  /** Notes a changed run; later questions see it. */
  upsert(run: RunSummary): void;
  remove(id: RunId): void;
  /** @throws TrainyardError bad_request when the field to sort by does not exist */
  list(query: CatalogQuery): Promise<CatalogPage>;
  close(): Promise<void>;
}
