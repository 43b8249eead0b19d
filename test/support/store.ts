/** A store's server as the tests meet it: found through its discovery file, as every window does. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createClient, type ApiClient } from "../../protocol/client.ts";
import { DISCOVERY_FILE } from "../../protocol/constants.ts";
import { Discovery } from "../../protocol/discovery.ts";
import { isAlive, killQuietly, killTrainingsOf, until } from "./processes.ts";

/** @throws Error when there is no discovery file */
export async function readDiscovery(store: string): Promise<Discovery> {
  return Discovery.parse(JSON.parse(await readFile(path.join(store, DISCOVERY_FILE), "utf8")));
}

export async function clientOf(store: string): Promise<ApiClient> {
  const { url, token } = await readDiscovery(store);
  return createClient({ url, token });
}

/** Ends the store's server and whatever still trains for it. */
export async function endServer(store: string): Promise<void> {
  const found = await readDiscovery(store).catch(() => null);
  if (found !== null && isAlive(found.process.pid)) {
    killQuietly(found.process.pid, "SIGTERM");
    await until("the server's end", () => Promise.resolve(!isAlive(found.process.pid)), 10_000).catch(() => {
      killQuietly(found.process.pid);
    });
  }
  await killTrainingsOf(store);
}
