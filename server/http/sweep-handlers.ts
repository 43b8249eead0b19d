/** Routes about sweeps. */
import type { sweepRoutes } from "../../protocol/sweep-routes.ts";
import type { Handlers, HttpContext } from "./context.ts";

export function sweepHandlers({ sweeps }: HttpContext): Pick<Handlers, keyof typeof sweepRoutes> {
  return {
    listSweeps: ({ query }) => Promise.resolve(sweeps.list(query.project)),
    createSweep: ({ body }) => sweeps.create(body),
    planSweep: ({ body }) => sweeps.plan(body),
    getSweep: ({ params }) => Promise.resolve().then(() => sweeps.detail(params.sweep)),
    getSweepImportance: ({ params }) => sweeps.importance(params.sweep),
    stopSweep: ({ params, body }) => sweeps.stop(params.sweep, body),
    continueSweep: ({ params }) => sweeps.resume(params.sweep),
  };
}
