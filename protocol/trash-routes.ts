/** Routes of the trash, and of actions on many runs. */
import { BatchRequest, BatchResult } from "./batch.ts";
import { common, route } from "./route.ts";
import { EmptiedTrash, EmptyTrash, RestoreTrash, Restored, Trash } from "./trash.ts";

export const trashRoutes = {
  changeRuns: route({
    ...common,
    method: "POST",
    path: "/api/runs/batch",
    summary: "Star, archive, tag, stop or throw away many runs; what is refused for one is said for that one",
    body: BatchRequest,
    response: BatchResult,
    errors: ["bad_request", "store_unwritable"],
  }),
  listTrash: route({
    ...common,
    method: "GET",
    path: "/api/trash",
    summary: "What is in the trash, and how large it is",
    response: Trash,
    errors: [],
  }),
  restoreTrash: route({
    ...common,
    method: "POST",
    path: "/api/trash/restore",
    summary: "Bring runs back from the trash, exactly as they were",
    body: RestoreTrash,
    response: Restored,
    errors: ["bad_request", "store_unwritable"],
  }),
  emptyTrash: route({
    ...common,
    method: "POST",
    path: "/api/trash/empty",
    summary: "What would go for good, and how much; with `apply` it is removed",
    body: EmptyTrash,
    response: EmptiedTrash,
    errors: ["not_found", "bad_request", "store_unwritable"],
  }),
} as const;
