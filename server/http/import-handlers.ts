/** Routes that bring runs into the store. */
import { mustWrite } from "../store/store.ts";
import type { Handlers, HttpContext } from "./context.ts";

export function importHandlers({ store, runs }: HttpContext): Pick<Handlers, "importRuns"> {
  return {
    async importRuns({ body }) {
      mustWrite(store);
      const { importFile } = await import("../import/import-file.ts");
      const report = await importFile(store, body, (id) => runs.summary(id) !== undefined);
      for (const { id } of report.runs) await runs.adopt(id);
      return report;
    },
  };
}
