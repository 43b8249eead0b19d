/** How a store's server is found: discovery.json in the server's private folder. It holds the token, so it is for its owner alone. */
import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, realpath, rename, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Discovery } from "../../protocol/discovery.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { isAlive } from "../launch/platform.ts";
import { systemCode } from "../store/fs-errors.ts";
import { readWholeText } from "../store/open-file.ts";
import { isInstant, isObject, isProcessIdentity } from "./checks.ts";

const FILE = "discovery.json";
const POSIX = process.platform !== "win32";

/** The server's folder inside a writable store. */
export function serverFolder(store: string): string {
  return path.join(store, ".server");
}

/** The server's folder of a store that cannot be written to: in the system's temporary folder, one per user and store. */
export function privateRuntimeFolder(store: string): string {
  const user = POSIX ? String(process.getuid?.() ?? 0) : os.userInfo().username.replace(/[^\w.-]/g, "_");
  const hash = createHash("sha256").update(store).digest("hex").slice(0, 24);
  return path.join(os.tmpdir(), `trainyard-${user}`, hash);
}

/**
 * Makes the folder, closed to others, and checks that nobody else put it there.
 * @param root folder above it that exists already; everything below it must be ours
 * @throws TrainyardError forbidden
 */
export async function makePrivateFolder(dir: string, root: string): Promise<void> {
  const parts = path.relative(root, dir).split(path.sep);
  let current = root;
  for (const part of parts) {
    current = path.join(current, part);
    await mkdir(current, { mode: 0o700 }).catch((error: unknown) => {
      if (systemCode(error) !== "EEXIST") throw error;
    });
    const info = await lstat(current);
    if (!info.isDirectory() || (POSIX && info.uid !== process.getuid?.())) {
      throw new TrainyardError("forbidden", `${current} is not a folder of this user`, "Remove it, or choose another store.");
    }
    if (POSIX && (info.mode & 0o077) !== 0) await chmod(current, 0o700);
  }
}

/** Writes the discovery file as a whole, readable by its owner alone. */
export async function writeDiscovery(dir: string, discovery: Discovery): Promise<void> {
  const temporary = path.join(dir, `${FILE}.${process.pid}`);
  await rm(temporary, { force: true });
  await writeFile(temporary, `${JSON.stringify(discovery, null, 2)}\n`, { mode: 0o600, flag: "wx" });
  const place = path.join(dir, FILE);
  await rename(temporary, place).catch(async () => {
    // A folder lies there: it is ours alone, and no server can be found by it.
    await rm(place, { recursive: true, force: true });
    await rename(temporary, place);
  });
}

/** Takes the discovery file away if it is still that of this process. */
export async function removeDiscovery(dir: string): Promise<void> {
  const found = await readDiscoveryFile(path.join(dir, FILE));
  if (found?.process.pid === process.pid) await rm(path.join(dir, FILE), { force: true });
}

/**
 * The server that serves `store` now; null when there is none: no file, a file of somebody else or open to others, or a
 * process that has ended. Whether it answers is not asked here.
 */
export async function findServer(store: string): Promise<Discovery | null> {
  let root: string;
  try {
    root = await realpath(store);
  } catch {
    return null; // A store that is not there has no server.
  }
  for (const dir of [serverFolder(root), privateRuntimeFolder(root)]) {
    const found = await readDiscoveryFile(path.join(dir, FILE));
    if (found !== null && found.store === root && isAlive(found.process)) return found;
  }
  return null;
}

async function readDiscoveryFile(file: string): Promise<Discovery | null> {
  try {
    const info = await lstat(file);
    // A file that others may write could send the token, and with it every command, to them.
    if (!info.isFile() || (POSIX && (info.uid !== process.getuid?.() || (info.mode & 0o077) !== 0))) return null;
    const value: unknown = JSON.parse(await readWholeText(file));
    return isDiscovery(value) ? value : null;
  } catch {
    return null;
  }
}

/** Is it what protocol/discovery.ts says? Checked by hand: the schema library would double the time until the server's port is open. */
export function isDiscovery(value: unknown): value is Discovery {
  if (!isObject(value)) return false;
  const { protocol, url, token, process: identity, store, version, started_at: startedAt } = value;
  return (
    Number.isInteger(protocol) &&
    typeof url === "string" &&
    URL.canParse(url) &&
    typeof token === "string" &&
    token.length >= 32 &&
    isProcessIdentity(identity) &&
    typeof store === "string" &&
    typeof version === "string" &&
    isInstant(startedAt)
  );
}
