/** Routes about saved views and plots. */
import * as z from "zod";
import { common, route } from "./route.ts";
import * as s from "./saved.ts";

export const savedRoutes = {
  listSaved: route({
    ...common,
    method: "GET",
    path: "/api/saved",
    summary: "Saved views and plots of a project, or of the whole store, by name",
    query: s.SavedQuery,
    response: z.object({ saved: z.array(s.SavedItem) }),
    errors: ["not_found", "corrupt_record"],
  }),
  saveItem: route({
    ...common,
    method: "PUT",
    path: "/api/saved",
    summary: "Save a view or a plot under its name",
    body: s.SaveItem,
    response: s.SavedItem,
    errors: ["not_found", "bad_request", "corrupt_record", "disk_full", "store_unwritable"],
  }),
  deleteSaved: route({
    ...common,
    method: "DELETE",
    path: "/api/saved",
    summary: "Remove a saved view or plot",
    query: s.SavedItemQuery,
    response: z.object({ ok: z.literal(true) }),
    errors: ["not_found", "corrupt_record", "store_unwritable"],
  }),
} as const;
