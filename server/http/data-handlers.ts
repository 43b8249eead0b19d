/** Routes about what a run produced: points, log, checkpoints, artifacts. */
import type { z } from "zod";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { SeriesJson, SeriesQuery } from "../../protocol/queries.ts";
import type { RunSeries, WindowQuery } from "../series/types.ts";
import type { Handlers, HttpContext } from "./context.ts";
import { sendFile } from "./file-answer.ts";
import { extrasOf, FRAME_TYPE, sayExtras, seriesFrame, seriesJson } from "./series-answer.ts";

type DataRoutes =
  "listSeries" | "getSeries" | "getSystemSeries" | "getLog" | "getRawLog" | "listCheckpoints" | "listArtifacts" | "getArtifact";

export function dataHandlers({ stores: { storeOf }, runs }: HttpContext): Pick<Handlers, DataRoutes> {
  /** The newest attempt, or the one asked for. @throws TrainyardError not_found */
  async function attemptOf(id: RunId, asked: number | undefined): Promise<number> {
    const newest = (await storeOf(id).read(id)).record.attempt;
    const attempt = asked ?? newest;
    if (attempt >= 1 && attempt <= newest) return attempt;
    const known = newest === 0 ? "it has not started yet" : `it has attempts 1 to ${newest}`;
    throw new TrainyardError("not_found", `run ${id} has no attempt ${attempt}: ${known}`);
  }

  return {
    listSeries: ({ params }) => using(runs.series(params.id), (series) => Promise.resolve({ series: series.list() })),
    getSeries: ({ params, query }) => using(runs.series(params.id), (series) => answer(series, query)),
    getSystemSeries: ({ params, query }) => using(runs.systemSeries(params.id), (series) => answer(series, query)),
    async getLog({ params, query }) {
      return storeOf(params.id).logPage(params.id, await attemptOf(params.id, query.attempt), query);
    },
    async getRawLog({ params, query }) {
      const attempt = await attemptOf(params.id, query.attempt);
      const { bytes, size } = await storeOf(params.id).logBytes(params.id, attempt, query.offset, query.length);
      return new Response(new Uint8Array(bytes), {
        headers: {
          "content-type": "application/octet-stream",
          "x-trainyard-attempt": String(attempt),
          "x-trainyard-log-size": String(size),
        },
      });
    },
    async listCheckpoints({ params }) {
      await storeOf(params.id).read(params.id);
      return { checkpoints: await storeOf(params.id).checkpoints(params.id) };
    },
    async listArtifacts({ params }) {
      await storeOf(params.id).read(params.id);
      return { artifacts: await storeOf(params.id).artifacts(params.id) };
    },
    async getArtifact({ params, query, headers }) {
      await storeOf(params.id).read(params.id);
      return sendFile(await storeOf(params.id).resolveArtifact(params.id, query.path), headers);
    },
  };
}

/** Works with a series that is read up to now, and gives it back afterwards. */
async function using<T>(opened: Promise<{ series: RunSeries; release(): void }>, work: (series: RunSeries) => Promise<T>): Promise<T> {
  const held = await opened;
  try {
    await held.series.poll();
    return await work(held.series);
  } finally {
    held.release();
  }
}

async function answer(series: RunSeries, query: z.output<typeof SeriesQuery>): Promise<SeriesJson | Response> {
  const extras = extrasOf(query);
  const windowQuery: WindowQuery = {
    metrics: query.metrics,
    maxPoints: query.max_points,
    ...(query.from_step !== undefined && { fromStep: query.from_step }),
    ...(query.to_step !== undefined && { toStep: query.to_step }),
    ...(query.beside !== undefined && { beside: query.beside }),
    ...(query.attempt !== undefined && { attempt: query.attempt }),
    ...extras,
  };
  await series.prepare(windowQuery);
  const windows = series.window(windowQuery);
  const said = sayExtras(series, extras, query.attempt);
  if (query.format === "json") return seriesJson(windows, series.cursor(), said);
  const frame = await seriesFrame(null, series.run, windows, series.cursor(), true, said);
  return new Response(frame, { headers: { "content-type": FRAME_TYPE } });
}
