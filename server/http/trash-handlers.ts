/** Routes of the trash, and of actions on many runs. */
import type { BatchAction, BatchResult } from "../../protocol/batch.ts";
import { TrainyardError, type ApiError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import { EditRun } from "../../protocol/queries.ts";
import type { RunRecord } from "../../protocol/run.ts";
import { FINAL_STATES } from "../../protocol/state-kinds.ts";
import type { EmptiedTrash, EmptyTrash, Restored } from "../../protocol/trash.ts";
import { mustWrite } from "../store/store.ts";
import type { Handlers, HttpContext } from "./context.ts";
import { forEachRun } from "./each-run.ts";
import { badRequest, toTrainyardError } from "./errors.ts";

type TrashRoutes = "changeRuns" | "listTrash" | "restoreTrash" | "emptyTrash";

const DAY_MS = 86_400_000;
/** A graceful stop takes the grace time, a minute by default, and what follows it. */
const STOP_WAIT_MS = 600_000;
/** Runs that are changed at the same time. */
const PARALLEL_CHANGES = 6;

export function trashHandlers({ store, runs, log }: HttpContext): Pick<Handlers, TrashRoutes> {
  const refusal = (error: unknown): ApiError["error"] => toTrainyardError(error, log).toApi().error;

  /** Stops a run that is live or queued, and waits until it has ended. @throws TrainyardError timeout */
  async function stopped(run: RunId): Promise<void> {
    const hasEnded = (): boolean => {
      const state = runs.summary(run)?.state;
      return state === undefined || state === "draft" || FINAL_STATES.has(state);
    };
    if (hasEnded()) return;
    let off = (): void => undefined;
    let timer: NodeJS.Timeout | undefined;
    const end = new Promise<void>((resolve, reject) => {
      off = runs.onChange(() => {
        if (hasEnded()) resolve();
      });
      timer = setTimeout(() => {
        reject(new TrainyardError("timeout", `the run ${run} is still stopping`, "Throw it away once it has ended, or stop it by force."));
      }, STOP_WAIT_MS);
    });
    try {
      if (runs.summary(run)?.state !== "stopping") await runs.cancel(run, { force: false, reason: "thrown away" });
      if (!hasEnded()) await end;
    } finally {
      off();
      clearTimeout(timer);
    }
  }

  async function change(run: RunId, action: BatchAction): Promise<BatchResult["done"][number]> {
    switch (action.do) {
      case "edit": {
        const { tags, starred, archived } = await runs.edit(run, (record) => edited(record, action));
        return { run, record: { tags, starred, archived }, trash: null };
      }
      case "stop": {
        const { tags, starred, archived } = await runs.cancel(run, { force: false, reason: action.reason });
        return { run, record: { tags, starred, archived }, trash: null };
      }
      case "trash":
        if (action.stop) await stopped(run);
        return { run, record: null, trash: await runs.remove(run) };
    }
  }

  return {
    async changeRuns({ body }) {
      mustWrite(store);
      return forEachRun([...new Set(body.runs)], (run) => change(run, body.action), log, PARALLEL_CHANGES);
    },
    listTrash: () => store.trashed.list(),
    async restoreTrash({ body }) {
      mustWrite(store);
      const result: Restored = { restored: [], failed: [] };
      for (const trash of new Set(body.trash))
        try {
          result.restored.push({ trash, run: await runs.restore(trash) });
        } catch (error) {
          result.failed.push({ trash, error: refusal(error) });
        }
      return result;
    },
    async emptyTrash({ body }) {
      const { runs: there, unfinished_bytes } = await store.trashed.list();
      const doomed = chosen(there, body);
      if (body.apply) {
        mustWrite(store);
        await store.trashed.remove(doomed.map(({ id }) => id));
      }
      const size_bytes = doomed.reduce((sum, one) => sum + one.size_bytes, 0);
      return { runs: doomed, size_bytes, unfinished_bytes, applied: body.apply };
    },
  };
}

function edited(record: RunRecord, action: BatchAction & { do: "edit" }): EditRun {
  const { starred, archived, experiment, add_tags = [], remove_tags = [] } = action;
  const tags = [...new Set([...record.tags, ...add_tags])].filter((tag) => !remove_tags.includes(tag));
  const changes = EditRun.safeParse({
    ...(starred !== undefined && { starred }),
    ...(archived !== undefined && { archived }),
    ...(experiment !== undefined && { experiment }),
    ...((add_tags.length > 0 || remove_tags.length > 0) && { tags }),
  });
  if (!changes.success) throw badRequest("change", changes.error);
  return changes.data;
}

/** @throws TrainyardError not_found, before anything is removed */
function chosen(there: EmptiedTrash["runs"], { trash, older_than_days: days }: EmptyTrash): EmptiedTrash["runs"] {
  const known = new Set(there.map(({ id }) => id));
  const missing = trash?.find((id) => !known.has(id));
  if (missing !== undefined)
    throw new TrainyardError("not_found", `${missing} is not in the trash`, "Look at the trash again; nothing was removed.");
  const wanted = trash === undefined ? null : new Set(trash);
  const latest = days === undefined ? Infinity : Date.now() - days * DAY_MS;
  return there.filter((run) => (wanted === null || wanted.has(run.id)) && Date.parse(run.trashed_at) <= latest);
}
