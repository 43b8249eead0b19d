/** Routes that bring runs into the store. */
import { ImportReport, ImportRequest } from "./import.ts";
import { common, route } from "./route.ts";

export const importRoutes = {
  importRuns: route({
    ...common,
    method: "POST",
    path: "/api/import",
    summary: "Make runs from an exported file: CSV (long or wide), JSON lines, Parquet, Arrow, or an archive of run folders",
    body: ImportRequest,
    response: ImportReport,
    status: 201,
    errors: ["bad_request", "missing_file", "disk_full", "store_unwritable"],
  }),
} as const;
