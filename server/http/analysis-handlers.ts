/** Routes that ask over many runs. */
import type { Handlers, HttpContext } from "./context.ts";

type AnalysisRoutes =
  "listFields" | "listFieldValues" | "getStatistics" | "queryRuns" | "aggregate" | "histogram" | "evaluate" | "getDerived";

export function analysisHandlers({ catalog, store, stores }: HttpContext): Pick<Handlers, AnalysisRoutes> {
  return {
    listFields: ({ query }) => catalog.ask("fields", query),
    listFieldValues: ({ query }) => catalog.ask("fieldValues", query),
    getStatistics: ({ query }) => catalog.ask("statistics", query),
    queryRuns: ({ body }) => catalog.ask("query", body),
    aggregate: ({ body }) => catalog.ask("aggregate", body),
    histogram: ({ body }) => catalog.ask("histogram", body),
    async getDerived({ params }) {
      const { record } = await stores.storeOf(params.id).read(params.id);
      const project = (await store.projects()).find((one) => one.name === record.project);
      const names = Object.keys(project?.derived ?? {});
      if (names.length === 0) return { derived: {} };
      const fields = names.map((name) => `derived.${name}`);
      const query = { fields, filter: `record.id = "${params.id}"`, sort: [], limit: 1, offset: 0 };
      const values = (await catalog.ask("query", query)).rows[0]?.values ?? [];
      return { derived: Object.fromEntries(names.map((name, index) => [name, values[index] ?? null])) };
    },
    evaluate: ({ body }) => catalog.ask("evaluate", body),
  };
}
