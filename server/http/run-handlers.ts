/** Routes about the life of runs. */
import { findCheckpoint } from "../runs/checkpoint-tags.ts";
import { mustWrite } from "../store/store.ts";
import type { Handlers, HttpContext } from "./context.ts";

type RunRoutes =
  | "listRuns"
  | "createRun"
  | "getRun"
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

export function runHandlers({ store, runs, catalog }: HttpContext): Pick<Handlers, RunRoutes> {
  const writable = (): void => {
    mustWrite(store);
  };
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
    getRun: ({ params }) => runs.detail(params.id),
    async editRun({ params, body }) {
      writable();
      return runs.edit(params.id, body);
    },
    async deleteRun({ params }) {
      writable();
      return { trashed_to: await runs.remove(params.id) };
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
      await store.read(params.id);
      const { id } = await findCheckpoint(store, params.id, params.checkpoint);
      return { history: (await store.checkpointTags(params.id)).filter((record) => record.checkpoint === id) };
    },
    retainCheckpoints: ({ params, body }) => runs.retainCheckpoints(params.id, body),
    listEvents: async ({ params }) => ({ events: await store.events(params.id) }),
  };
}
