/** Routes about saved views and plots. */
import { mustWrite } from "../store/store.ts";
import type { Handlers, HttpContext } from "./context.ts";

type SavedRoutes = "listSaved" | "saveItem" | "deleteSaved";

export function savedHandlers({ store }: HttpContext): Pick<Handlers, SavedRoutes> {
  return {
    listSaved: async ({ query }) => ({ saved: [...(await store.saved.list(query.project ?? null))] }),
    async saveItem({ body }) {
      mustWrite(store);
      return store.saved.save(body);
    },
    async deleteSaved({ query }) {
      mustWrite(store);
      await store.saved.remove({ kind: query.kind, name: query.name, project: query.project ?? null });
      return { ok: true };
    },
  };
}
