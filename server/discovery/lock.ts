/**
 * One server per store. The lock is the newest generation `lock.<n>` in the server's folder: it is created exclusively and
 * never deleted while it is the newest, so taking over a stale one means creating `lock.<n+1>`, which only one contender can. (Deleting
 * a stale lock file and creating it again, the usual way, lets two contenders win: the second deletes the lock of the first.)
 */
import { link, lstat, open, readdir, rm, utimes, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import type { ProcessIdentity } from "../../protocol/run.ts";
import { identify, isAlive } from "../launch/platform.ts";
import { systemCode, unreadable } from "../store/fs-errors.ts";
import { openFile, readWholeText } from "../store/open-file.ts";
import { isInstant, isObject, isProcessIdentity } from "./checks.ts";

interface LockRecord {
  /** null once it was given back. */
  readonly process: ProcessIdentity | null;
  /** Processes of another host (or container) cannot be looked up from here: their lock counts as held while it is touched. */
  readonly host: string;
  readonly taken_at: string;
}

const NAME = /^lock\.(\d{1,15})$/;
const HEARTBEAT_MS = 5_000;
const FOREIGN_STALE_MS = 30_000;
const MAX_TRIES = 50;

export interface StoreLock {
  release(): Promise<void>;
  /** Leaves the lock as it is: it counts no more once this process has ended. */
  abandon(): void;
}

/**
 * Takes the lock of the folder `dir`, which exists.
 * @throws TrainyardError store_occupied when a living server holds it
 */
export async function takeLock(dir: string): Promise<StoreLock> {
  const self = identify(process.pid);
  if (self === null) throw new TrainyardError("internal", "this process cannot read its own start time from the system");
  const record: LockRecord = { process: self, host: os.hostname(), taken_at: new Date().toISOString() };
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const newest = await newestGeneration(dir);
    if (newest > 0) {
      const holder = await readHolder(lockPath(dir, newest));
      if (holder === "gone") continue;
      if (holder !== null) throw occupied(dir, holder);
    }
    const mine = newest + 1;
    if (!(await createExclusively(lockPath(dir, mine), record))) continue;
    // A contender that listed the folder long ago may have created an old generation after newer ones came and went.
    if ((await newestGeneration(dir)) !== mine) {
      await rm(lockPath(dir, mine), { force: true });
      continue;
    }
    await removeOlder(dir, mine);
    return hold(lockPath(dir, mine), record);
  }
  throw new TrainyardError("store_occupied", `the lock of ${dir} changes hands all the time`, "Try again in a moment.");
}

/** The process that holds the lock of `dir`; null when nobody does. */
export async function lockHolder(dir: string): Promise<ProcessIdentity | null> {
  const newest = await newestGeneration(dir);
  if (newest === 0) return null;
  const holder = await readHolder(lockPath(dir, newest));
  return holder === "gone" || holder === null ? null : holder.process;
}

function hold(file: string, record: LockRecord): StoreLock {
  const timer = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined); // The folder may have been deleted under us; the server goes on all the same.
  }, HEARTBEAT_MS);
  timer.unref();
  return {
    abandon() {
      clearInterval(timer);
    },
    async release() {
      clearInterval(timer);
      // Kept as a marker: the next server counts on from this generation.
      const handle = await openFile(file, "write").catch(() => null); // Of a process that has ended it counts no more in any case.
      await handle?.writeFile(JSON.stringify({ ...record, process: null })).catch(() => undefined);
      await handle?.close();
    },
  };
}

/** The living holder, null when the lock is free or stale, "gone" when the file vanished meanwhile. */
async function readHolder(file: string): Promise<LockRecord | "gone" | null> {
  let text: string;
  let age: number;
  try {
    // What is no file is no lock: nobody holds it, and the next one takes its place.
    text = await readWholeText(file).catch((error: unknown) => {
      if ((error instanceof TrainyardError ? error : unreadable(error))?.code === "corrupt_record") return "";
      throw error;
    });
    age = Date.now() - (await lstat(file)).mtimeMs;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return "gone";
    throw error;
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = null;
  }
  if (!isLockRecord(json)) {
    // Without hard links the file is empty for an instant between its creation and its content.
    if (age > 2_000) return null;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return "gone";
  }
  const { process: holder, host } = json;
  if (holder === null) return null;
  const alive = host === os.hostname() ? isAlive(holder) : age < FOREIGN_STALE_MS;
  return alive ? json : null;
}

function isLockRecord(value: unknown): value is LockRecord {
  if (!isObject(value)) return false;
  return (
    (value["process"] === null || isProcessIdentity(value["process"])) && typeof value["host"] === "string" && isInstant(value["taken_at"])
  );
}

/** Creates `file` with its whole content at once; false when it is there already. */
async function createExclusively(file: string, record: LockRecord): Promise<boolean> {
  const content = JSON.stringify(record);
  const temporary = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    await writeFile(temporary, content, { mode: 0o600, flag: "wx" });
    await link(temporary, file);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    if (!["EPERM", "ENOTSUP", "ENOSYS", "EOPNOTSUPP", "EMLINK"].includes(systemCode(error) ?? "")) throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  // A filesystem without hard links.
  try {
    const handle = await open(file, "wx", 0o600);
    await handle.writeFile(content).finally(() => handle.close());
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

async function newestGeneration(dir: string): Promise<number> {
  let newest = 0;
  for (const name of await readdir(dir)) newest = Math.max(newest, Number(NAME.exec(name)?.[1] ?? 0));
  return newest;
}

async function removeOlder(dir: string, mine: number): Promise<void> {
  for (const name of await readdir(dir)) {
    const generation = Number(NAME.exec(name)?.[1] ?? Infinity);
    if (generation < mine) await rm(path.join(dir, name), { force: true, recursive: true });
  }
}

function lockPath(dir: string, generation: number): string {
  return path.join(dir, `lock.${generation}`);
}

function occupied(dir: string, holder: LockRecord): TrainyardError {
  const where = holder.host === os.hostname() ? "" : ` on ${holder.host}`;
  return new TrainyardError(
    "store_occupied",
    `the store ${path.dirname(dir)} is served by process ${holder.process?.pid ?? 0}${where} already`,
    "Use that server, or end it first.",
  );
}
