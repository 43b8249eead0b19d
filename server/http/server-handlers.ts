/** Routes about the server itself, its store and its machine. */
import { thinSamples } from "../devices/thin.ts";
import { PROTOCOL_VERSION } from "../../protocol/discovery.ts";
import type { Handlers, HttpContext } from "./context.ts";
import { derivedDefinitions } from "./project-handlers.ts";

export function serverHandlers(context: HttpContext): Pick<Handlers, "getServer" | "shutdown" | "refresh" | "getSystem" | "getOpenApi"> {
  const { store, runs, devices } = context;
  return {
    getServer: () =>
      Promise.resolve({
        version: context.version,
        protocol: PROTOCOL_VERSION,
        store: store.root,
        pid: process.pid,
        started_at: context.startedAt,
        runs: runs.size,
        live_runs: runs.liveCount(),
        read_only: store.readOnly,
      }),
    shutdown: () => {
      context.shutdown();
      return Promise.resolve({ ok: true as const });
    },
    async refresh() {
      await context.catalog.define(derivedDefinitions(await store.projects()));
      return context.stores.refresh();
    },
    async getSystem({ query }) {
      const samples = await devices.history(query.minutes);
      return { samples: query.max_points === undefined ? samples : thinSamples(samples, query.max_points) };
    },
    async getOpenApi() {
      const { openApiDocument } = await import("./openapi.ts");
      return Response.json(openApiDocument(context.version));
    },
  };
}
