/** Routes about run documents before they are started. */
import type { documentRoutes } from "../../protocol/document-routes.ts";
import { mustWrite } from "../store/store.ts";
import type { Handlers, HttpContext } from "./context.ts";

export function documentHandlers({ store, runs: { documents } }: HttpContext): Pick<Handlers, keyof typeof documentRoutes> {
  return {
    dryRun: ({ body }) => documents.dryRun(body),
    preflight: ({ body }) => documents.preflight(body),
    scriptForm: ({ body }) => documents.scriptForm(body),
    previewDataset: ({ body }) => documents.previewDataset(body),
    renderDataset: ({ body }) => documents.renderDataset(body),
    probe: ({ body }) => documents.probe(body),
    listRecipes: ({ query }) => documents.recipes(query.python, query.refresh ?? false),
    async savePreset({ body }) {
      mustWrite(store);
      return { file: await documents.savePreset(body) };
    },
    async deletePreset({ query }) {
      mustWrite(store);
      await documents.deletePreset(query);
      return { ok: true };
    },
    async listTemplates() {
      return { templates: await documents.templates() };
    },
    async saveTemplate({ body }) {
      mustWrite(store);
      return { file: await documents.saveTemplate(body) };
    },
    async deleteTemplate({ query }) {
      mustWrite(store);
      await documents.deleteTemplate(query);
      return { ok: true };
    },
  };
}
