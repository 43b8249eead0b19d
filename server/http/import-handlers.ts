/** Routes that bring runs into the store. */
import { importFile } from "../import/import-file.ts";
import { mustWrite } from "../store/store.ts";
import type { Handlers, HttpContext } from "./context.ts";

export function importHandlers({ store, runs }: HttpContext): Pick<Handlers, "importRuns"> {
  return {
    async importRuns({ body }) {
      mustWrite(store);
      const report = await importFile(store, body);
      for (const { id } of report.runs) await runs.adopt(id);
      return report;
    },
  };
}
