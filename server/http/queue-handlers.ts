/** Routes of the queue. */
import type { queueRoutes } from "../../protocol/queue-routes.ts";
import { mustWrite } from "../store/store.ts";
import type { Handlers, HttpContext } from "./context.ts";

export function queueHandlers({ store, runs }: HttpContext): Pick<Handlers, keyof typeof queueRoutes> {
  return {
    getQueue: () => runs.queue.list(),
    async changeQueue({ body }) {
      mustWrite(store);
      return runs.queue.change(body);
    },
    getQueueHistory: ({ query }) => Promise.resolve(runs.queueHistory(query)),
    enqueueRun: ({ params }) => runs.enqueue(params.id),
    moveInQueue: async ({ params, body }) => runs.moveInQueue(params.id, body),
    dequeueRun: async ({ params }) => runs.dequeue(params.id),
  };
}
