/** Routes that hand out points for other programs and previews of files. */
import { Readable } from "node:stream";
import { TrainyardError } from "../../protocol/errors.ts";
import type { ExportQuery } from "../../protocol/export.ts";
import type { RunId } from "../../protocol/ids.ts";
import { previewFile } from "../store/preview.ts";
import type { Handlers, HttpContext } from "./context.ts";
import { EXPORT_TYPES, header, lines, type ExportedRun } from "./export-text.ts";

export function exportHandlers({ store, runs, log }: HttpContext): Pick<Handlers, "exportRuns" | "previewArtifact"> {
  /** The points of a run that are asked for. @throws TrainyardError not_found */
  async function withRun<T>(id: RunId, metrics: readonly string[], maxPoints: number, work: (run: ExportedRun) => T): Promise<T> {
    const summary = runs.summary(id);
    if (summary === undefined) throw new TrainyardError("not_found", `there is no run ${id} in the store`, "Refresh the list of runs.");
    const lease = await runs.series(id);
    try {
      return work({ summary, windows: lease.series.window({ metrics, maxPoints }) });
    } finally {
      lease.release();
    }
  }

  async function* text({ runs: ids, format, metrics }: ExportQuery, columns: readonly string[]): AsyncGenerator<string> {
    try {
      yield header(format, columns);
      for (const id of ids) yield* await withRun(id, metrics, Number.MAX_SAFE_INTEGER, (run) => lines(format, run, columns));
    } catch (error) {
      // The answer has begun: it can only be cut off, which the reader notices by its missing end.
      log(`an export was cut off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      throw error;
    }
  }

  return {
    async exportRuns({ query }) {
      // Before the answer begins, so that what is wrong can still be said.
      const names = new Set<string>();
      for (const id of query.runs)
        await withRun(id, query.metrics, 2, ({ windows }) => {
          for (const { name } of windows) names.add(name);
        });
      const stream: unknown = Readable.toWeb(Readable.from(text(query, [...names])));
      return new Response(stream as ReadableStream, {
        headers: {
          "content-type": EXPORT_TYPES[query.format],
          "content-disposition": `attachment; filename="trainyard-export.${query.format === "jsonl" ? "jsonl" : "csv"}"`,
        },
      });
    },
    async previewArtifact({ params, query }) {
      await store.read(params.id);
      return previewFile(await store.resolveArtifact(params.id, query.path), query.rows);
    },
  };
}
