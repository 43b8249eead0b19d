/** Routes that ask over many runs. */
import type { Handlers, HttpContext } from "./context.ts";

type AnalysisRoutes = "listFields" | "listFieldValues" | "getStatistics" | "queryRuns" | "aggregate" | "histogram" | "evaluate";

export function analysisHandlers({ catalog }: HttpContext): Pick<Handlers, AnalysisRoutes> {
  return {
    listFields: ({ query }) => catalog.ask("fields", query),
    listFieldValues: ({ query }) => catalog.ask("fieldValues", query),
    getStatistics: ({ query }) => catalog.ask("statistics", query),
    queryRuns: ({ body }) => catalog.ask("query", body),
    aggregate: ({ body }) => catalog.ask("aggregate", body),
    histogram: ({ body }) => catalog.ask("histogram", body),
    evaluate: ({ body }) => catalog.ask("evaluate", body),
  };
}
