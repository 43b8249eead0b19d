/** Routes about the stores that are shown beside the server's own. */
import type { Handlers, HttpContext } from "./context.ts";

type StoreRoutes = "listStores" | "searchStores" | "addStores" | "removeStore";

export function storeHandlers({ stores }: HttpContext): Pick<Handlers, StoreRoutes> {
  return {
    listStores: () => Promise.resolve(stores.list()),
    searchStores: ({ query }) => stores.search(query.folder),
    addStores: ({ body }) => stores.add(body),
    async removeStore({ params }) {
      await stores.remove(params.store);
      return { ok: true as const };
    },
  };
}
