/** Routes that hand out points and adapters for other programs and previews of files. */
import { Readable } from "node:stream";
import { TrainyardError } from "../../protocol/errors.ts";
import { EXPORT_EXTENSIONS, type ExportQuery, type ExportedRun } from "../../protocol/export.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { ExportJob } from "../export/job.ts";
import type { SeriesWindow } from "../series/types.ts";
import { findCheckpoint } from "../runs/checkpoint-tags.ts";
import { guardedParquet } from "../preview/guarded.ts";
import { previewFile } from "../store/preview.ts";
import type { Handlers, HttpContext } from "./context.ts";

export function exportHandlers({
  store,
  stores,
  runs,
  log,
  version,
}: HttpContext): Pick<Handlers, "exportRuns" | "previewArtifact" | "exportAdapter"> {
  async function points(id: RunId, metrics: readonly string[], maxPoints: number): Promise<SeriesWindow[]> {
    const lease = await runs.series(id);
    try {
      return lease.series.window({ metrics, maxPoints });
    } finally {
      lease.release();
    }
  }

  /** @throws TrainyardError not_found */
  async function exported(id: RunId): Promise<ExportedRun> {
    const summary = runs.summary(id);
    if (summary === undefined) throw new TrainyardError("not_found", `there is no run ${id} in the store`, "Refresh the list of runs.");
    const [{ record }, { source }] = await Promise.all([stores.storeOf(id).read(id), stores.storeOf(id).spec(id)]);
    return { ...summary, environment: record.environment, spec_source: source };
  }

  async function prepare({ runs: ids, metrics }: ExportQuery): Promise<ExportJob> {
    const chosen: ExportedRun[] = [];
    const names = new Set<string>();
    for (const id of new Set(ids)) {
      chosen.push(await exported(id));
      for (const { name } of await points(id, metrics, 2)) names.add(name);
    }
    const query = { runs: chosen.map(({ id }) => id), metrics: [...metrics] };
    const [root, ...others] = new Set(query.runs.map((id) => stores.storeOf(id).root));
    return {
      provenance: {
        version,
        store: others.length > 0 ? store.root : (root ?? store.root),
        exported_at: new Date().toISOString(),
        query,
        metrics: [...names],
      },
      runs: chosen,
      points: async (id, maxPoints) => {
        const windows = await points(id, metrics, maxPoints);
        // A metric that began after the export did is none of its columns.
        return windows.filter(({ name }) => names.has(name));
      },
      folder: (id) => stores.storeOf(id).paths(id).dir,
      checkpoints: (id) => stores.storeOf(id).checkpoints(id),
    };
  }

  /** The rest of an answer that has begun: it can only be cut off, which the reader notices by its missing end. */
  async function* rest(pieces: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value;
    } catch (error) {
      log(`an export was cut off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      throw error;
    }
  }

  return {
    async exportRuns({ query }) {
      const { FORMATS } = await import("../export/formats.ts");
      const { mediaType, write } = FORMATS[query.format];
      const job = await prepare(query);
      const pieces = write(job)[Symbol.asyncIterator]();
      // The first piece before the answer begins, so that what is wrong can still be said.
      const first = await pieces.next();
      const all = async function* (): AsyncGenerator<Uint8Array> {
        if (first.done !== true) yield first.value;
        yield* rest(pieces);
      };
      const stream: unknown = Readable.toWeb(Readable.from(all(), { objectMode: false }));
      return new Response(stream as ReadableStream, {
        headers: {
          "content-type": mediaType,
          "content-disposition": `attachment; filename="trainyard-export.${EXPORT_EXTENSIONS[query.format]}"`,
        },
      });
    },
    async previewArtifact({ params, query }) {
      await stores.storeOf(params.id).read(params.id);
      const file = await stores.storeOf(params.id).resolveArtifact(params.id, query.path);
      const { rows, offset } = query;
      return previewFile(file, { rows, parquet: () => guardedParquet({ file, rows, offset }) });
    },
    async exportAdapter({ params, body }) {
      const run = await exported(params.id);
      const checkpoint = body.checkpoint === undefined ? null : await findCheckpoint(stores.storeOf(params.id), params.id, body.checkpoint);
      const { exportAdapter } = await import("../export/adapter.ts");
      const storeRoots = stores.list().stores.map(({ path }) => path);
      return exportAdapter({ store: stores.storeOf(params.id), storeRoots, run, checkpoint, request: body, version });
    },
  };
}
