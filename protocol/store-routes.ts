/** Routes about the stores that are shown beside the server's own. */
import * as z from "zod";
import { common, route } from "./route.ts";
import * as s from "./stores.ts";

export const storeRoutes = {
  listStores: route({
    ...common,
    method: "GET",
    path: "/api/stores",
    summary: "Stores whose runs are shown: the server's own, and others that it reads",
    response: s.StoreList,
    errors: [],
  }),
  searchStores: route({
    ...common,
    method: "GET",
    path: "/api/stores/search",
    summary: "Stores in a folder and up to two levels below it",
    query: s.SearchStores,
    response: s.FoundStores,
    errors: ["bad_request", "not_found", "forbidden"],
  }),
  addStores: route({
    ...common,
    method: "POST",
    path: "/api/stores",
    summary: "Show a store beside this one, or all stores up to two levels below a folder",
    body: s.AddStores,
    response: s.AddedStores,
    status: 201,
    errors: ["bad_request", "not_found", "forbidden", "conflict", "corrupt_record", "disk_full", "store_unwritable"],
  }),
  removeStore: route({
    ...common,
    method: "DELETE",
    path: "/api/stores/:store",
    summary: "Show a store no longer; nothing in it is touched",
    params: s.StoreParam,
    response: z.object({ ok: z.literal(true) }),
    errors: ["not_found", "conflict", "corrupt_record", "disk_full", "store_unwritable"],
  }),
} as const;
