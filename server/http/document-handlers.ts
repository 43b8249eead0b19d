/** Routes about run documents before they are started. */
import type { documentRoutes } from "../../protocol/document-routes.ts";
import type { Handlers, HttpContext } from "./context.ts";

export function documentHandlers({ runs: { documents } }: HttpContext): Pick<Handlers, keyof typeof documentRoutes> {
  return {
    dryRun: ({ body }) => documents.dryRun(body),
    preflight: ({ body }) => documents.preflight(body),
    scriptForm: ({ body }) => documents.scriptForm(body),
    previewDataset: ({ body }) => documents.previewDataset(body),
    renderDataset: ({ body }) => documents.renderDataset(body),
    listRecipes: ({ query }) => documents.recipes(query.python, query.refresh ?? false),
  };
}
