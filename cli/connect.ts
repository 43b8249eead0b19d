/** How commands reach a store: through its server where the work needs one, or by reading the run folders. */
import { existsSync } from "node:fs";
import { createClient, type ApiClient } from "../protocol/client.ts";
import { findServer } from "../server/discovery/discovery.ts";
import { ensureServer } from "../server/ensure.ts";
import { TrainyardError } from "../protocol/errors.ts";
import { serverReader, type RunReader } from "./reader.ts";
import { noStore } from "../server/store/open-root.ts";
import { openStoreReader } from "./store-reader.ts";

/**
 * A client for the store's server, which is started when none is alive.
 * @param create may the store be made? A question about a store that is not there is a slip, and must not leave an empty one behind.
 * @throws TrainyardError not_found, or whatever keeps the server from starting
 */
export async function connectServer(store: string, { create = false } = {}): Promise<ApiClient> {
  if (!create && !existsSync(store)) throw noStore(store);
  const { url, token } = await ensureServer({ store });
  return createClient({ url, token });
}

/** Reads through the server when one answers, else directly. @throws TrainyardError */
export async function openReader(store: string): Promise<RunReader> {
  const found = await findServer(store);
  if (found !== null) {
    const client = createClient({ url: found.url, token: found.token });
    try {
      await client.call("getServer", { timeoutMs: 5_000 });
      return serverReader(client);
    } catch (error) {
      // A server that was just killed, or hangs: the folders know as much.
      if (!(error instanceof TrainyardError) || (error.code !== "unavailable" && error.code !== "timeout")) throw error;
    }
  }
  return openStoreReader(store);
}
