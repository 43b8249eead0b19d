/** Finds the run server of a store: reads `<store>/.server/discovery.json`, distrusts it, and asks the server whether it is the one. */
import { lstat, readFile, realpath } from "node:fs/promises";
import path from "node:path";
import { createClient } from "../../protocol/client.ts";
import { DISCOVERY_FILE } from "../../protocol/constants.ts";
import { Discovery, PROTOCOL_VERSION } from "../../protocol/discovery.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";

const ANSWER_TIMEOUT_MS = 3000;
const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

export type Found = { readonly kind: "alive"; readonly discovery: Discovery } | { readonly kind: "absent"; readonly reason: string };

/** The live server of `store`, or why there is none. @throws TrainyardError conflict when one of another version is running */
export async function findServer(store: string): Promise<Found> {
  const read = await readDiscovery(store);
  if (read.kind === "absent") return read;
  const { discovery } = read;
  try {
    const info = await createClient({ url: discovery.url, token: discovery.token, timeoutMs: ANSWER_TIMEOUT_MS }).call("getServer");
    if (info.pid !== discovery.process.pid || !(await samePath(info.store, store)))
      return { kind: "absent", reason: `another server answers at ${discovery.url}` };
  } catch (error) {
    return { kind: "absent", reason: error instanceof Error ? error.message : String(error) };
  }
  if (discovery.protocol !== PROTOCOL_VERSION)
    throw new TrainyardError(
      "conflict",
      `the run server of ${store} speaks protocol ${discovery.protocol}, this extension ${PROTOCOL_VERSION}`,
      "Run “Trainyard: Restart Server” once every window uses the same version. Runs go on meanwhile.",
    );
  return read;
}

/**
 * The file holds the token, and whoever can write it can send this window to a server of their own: it counts only when it and
 * its folder belong to this user and nobody else can touch them. A folder that came with a cloned repository does not pass.
 */
export async function readDiscovery(store: string): Promise<Found> {
  const file = path.join(store, DISCOVERY_FILE);
  let text: string;
  try {
    for (const each of [path.dirname(file), file]) {
      const problem = await exposure(each);
      if (problem !== null) return { kind: "absent", reason: `${each} ${problem}` };
    }
    // A pipe would be waited for.
    if (!(await lstat(file)).isFile()) return { kind: "absent", reason: `${file} is no file` };
    text = await readFile(file, "utf8");
  } catch (error) {
    return { kind: "absent", reason: error instanceof Error ? error.message : String(error) };
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { kind: "absent", reason: `${file} is not JSON` };
  }
  const parsed = Discovery.safeParse(json);
  if (!parsed.success) return { kind: "absent", reason: `${file} does not have the documented shape` };
  const url = new URL(parsed.data.url);
  if (url.protocol !== "http:" || !LOOPBACK.has(url.hostname))
    return { kind: "absent", reason: `${file} names ${url.host}, which is not this machine` };
  return { kind: "alive", discovery: parsed.data };
}

/** Who else could have written it, or null. Windows has no such modes; there the user's profile folder protects it. */
async function exposure(target: string): Promise<string | null> {
  const stat = await lstat(target);
  if (stat.isSymbolicLink()) return "is a link";
  if (process.getuid === undefined) return null;
  if (stat.uid !== process.getuid()) return "belongs to another user";
  return (stat.mode & 0o077) === 0 ? null : "can be reached by other users";
}

async function samePath(a: string, b: string): Promise<boolean> {
  const real = async (p: string): Promise<string> => realpath(p).catch(() => path.resolve(p));
  return (await real(a)) === (await real(b));
}
