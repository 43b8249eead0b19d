/** Routes about the life of runs. */
import type { RunId } from "../../protocol/ids.ts";
import { findCheckpoint } from "../runs/checkpoint-tags.ts";
import { codeDifference, type CodeOfRun } from "../runs/code-difference.ts";
import { mustWrite } from "../store/store.ts";
import type { Handlers, HttpContext } from "./context.ts";
import { forEachRun } from "./each-run.ts";

type RunRoutes =
  | "listRuns"
  | "createRun"
  | "getRuns"
  | "getRun"
  | "getCodeDifference"
  | "editRun"
  | "deleteRun"
  | "startRun"
  | "cancelRun"
  | "resumeRun"
  | "tagCheckpoint"
  | "untagCheckpoint"
  | "listCheckpointTags"
  | "retainCheckpoints"
  | "listEvents";

export function runHandlers({ store, stores: { storeOf }, runs, catalog, log }: HttpContext): Pick<Handlers, RunRoutes> {
  const writable = (): void => {
    mustWrite(store);
  };
  const codeOf = async (id: RunId): Promise<CodeOfRun> => ({
    record: (await storeOf(id).read(id)).record,
    patch: storeOf(id).paths(id).gitPatch,
  });
  return {
    async listRuns({ query }) {
      const { ids, total } = await catalog.list(query);
      // The summaries come from the runs room: the index may be a moment behind, and only tells which and in what order.
      return { runs: ids.map((id) => runs.summary(id)).filter((run) => run !== undefined), total };
    },
    async createRun({ body }) {
      writable();
      return runs.create(body);
    },
    async getRuns({ query }) {
      const { done, failed } = await forEachRun(query.runs, (run) => runs.detail(run), log);
      return { runs: done, failed };
    },
    getRun: ({ params }) => runs.detail(params.id),
    async getCodeDifference({ params, query }) {
      const [baseline, run] = await Promise.all([codeOf(query.baseline), codeOf(params.id)]);
      return codeDifference(baseline, run);
    },
    async editRun({ params, body }) {
      writable();
      return runs.edit(params.id, body);
    },
    async deleteRun({ params }) {
      writable();
      const trash = await runs.remove(params.id);
      return { trashed_to: store.trashed.place(trash), trash };
    },
    async startRun({ params }) {
      writable();
      return runs.startDraft(params.id);
    },
    async cancelRun({ params, body }) {
      writable();
      return runs.cancel(params.id, body);
    },
    async resumeRun({ params, body }) {
      writable();
      return runs.resume(params.id, body);
    },
    async tagCheckpoint({ params, body }) {
      writable();
      return runs.changeTag(params.id, params.checkpoint, { action: "add", ...body });
    },
    async untagCheckpoint({ params }) {
      writable();
      return runs.changeTag(params.id, params.checkpoint, { action: "remove", tag: params.tag, notes: "" });
    },
    async listCheckpointTags({ params }) {
      await storeOf(params.id).read(params.id);
      const { id } = await findCheckpoint(storeOf(params.id), params.id, params.checkpoint);
      return { history: (await storeOf(params.id).checkpointTags(params.id)).filter((record) => record.checkpoint === id) };
    },
    retainCheckpoints: ({ params, body }) => runs.retainCheckpoints(params.id, body),
    listEvents: async ({ params }) => ({ events: await storeOf(params.id).events(params.id) }),
  };
}
