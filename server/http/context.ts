/** What the HTTP room works with: the other rooms, and the facts about this server. */
import type { RouteName, RouteResponse, Routes } from "../../protocol/routes.ts";
import type { z } from "zod";
import type { Catalog } from "../catalog/types.ts";
import type { Devices } from "../devices/types.ts";
import type { Notices } from "../notices/types.ts";
import type { OpenRuns } from "../runs/types.ts";
import type { Sweeps } from "../runs/sweeps.ts";
import type { RunStore } from "../store/types.ts";
import type { Stores } from "../stores/stores.ts";

export interface HttpContext {
  /** The server's own. */
  readonly store: RunStore;
  /** Stores that are shown. A run is read from the one that it lies in: `stores.storeOf`. */
  readonly stores: Stores;
  /** Those of all stores. */
  readonly runs: OpenRuns;
  readonly sweeps: Sweeps;
  readonly catalog: Catalog;
  readonly devices: Devices;
  readonly notices: Notices;
  readonly token: string;
  readonly version: string;
  readonly startedAt: string;
  /** Folder of the built web application. */
  readonly webRoot: string;
  /** Settles once the store was read; requests wait for it. */
  readonly ready: Promise<void>;
  /** Ends the server after the answer has gone out. */
  readonly shutdown: () => void;
  /** Notes for whoever runs the server: unexpected errors, with their stacks. */
  readonly log: (text: string) => void;
}

/** One validated request. */
export interface Call<N extends RouteName> {
  readonly params: z.output<Routes[N]["params"]>;
  readonly query: z.output<Routes[N]["query"]>;
  readonly body: z.output<Routes[N]["body"]>;
  readonly headers: Headers;
}

/** A handler answers with the route's shape, or with a Response where the route produces bytes. */
export type Handler<N extends RouteName> = (call: Call<N>) => Promise<RouteResponse<N> | Response>;
export type Handlers = { readonly [N in RouteName]: Handler<N> };
