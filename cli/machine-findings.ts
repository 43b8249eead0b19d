/** What this machine allows a run server: files it may open and watch, the loopback, who may read the store's secrets. */
import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { systemCode } from "../server/store/fs-errors.ts";

export interface Finding {
  readonly what: string;
  /** `missing` keeps something from working that a user may want; `bad` keeps everything from working. */
  readonly status: "ok" | "missing" | "bad";
  readonly found: string;
  /** How to get it. */
  readonly advice: string | null;
}

/** A live run takes about ten, a window a handful; a store that is read anew a few dozen more. */
const LEAST_OPEN_FILES = 1024;
/** A folder that is watched takes one, and editors take many. */
const LEAST_WATCHES = 8192;
const LEAST_INSTANCES = 128;

/** @param store its folder, which need not be there */
export async function machineFindings(store: string): Promise<Finding[]> {
  const [limits, watches, instances] = await Promise.all([
    text("/proc/self/limits"),
    text("/proc/sys/fs/inotify/max_user_watches"),
    text("/proc/sys/fs/inotify/max_user_instances"),
  ]);
  return [
    ...limitFinding("open files", softLimit(limits), LEAST_OPEN_FILES, "Raise the limit (ulimit -n 4096) before the server starts."),
    ...limitFinding(
      "inotify watches",
      watches,
      LEAST_WATCHES,
      "Changes are polled instead, up to seconds late: sysctl fs.inotify.max_user_watches=524288",
    ),
    ...limitFinding(
      "inotify instances",
      instances,
      LEAST_INSTANCES,
      "Changes are polled instead, up to seconds late: sysctl fs.inotify.max_user_instances=512",
    ),
    await loopbackFinding(),
    ...(await secretFinding(path.join(store, ".server"))),
  ];
}

/** Nothing where the system does not say. @param found a number, or `unlimited` */
export function limitFinding(what: string, found: string | null, least: number, advice: string): Finding[] {
  const word = found?.trim() ?? "";
  if (word === "") return [];
  const enough = word === "unlimited" || Number(word) >= least;
  return [
    {
      what,
      status: enough ? "ok" : "missing",
      found: enough ? word : `${word}, at least ${String(least)} are needed`,
      advice: enough ? null : advice,
    },
  ];
}

/** The soft limit of open files in /proc/self/limits. */
export function softLimit(limits: string | null): string | null {
  return /^Max open files\s+(\S+)/m.exec(limits ?? "")?.[1] ?? null;
}

function loopbackFinding(): Promise<Finding> {
  const advice = "The server listens on 127.0.0.1 at a free port: allow that in the sandbox or firewall.";
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => {
      resolve({ what: "loopback", status: "bad", found: `no port can be opened (${systemCode(error) ?? error.message})`, advice });
    });
    server.listen(0, "127.0.0.1", () => {
      server.close(() => {
        resolve({ what: "loopback", status: "ok", found: "127.0.0.1, any free port", advice: null });
      });
    });
  });
}

/** The folder of the token; nothing before a server has made it, and where files have no owners. */
async function secretFinding(folder: string): Promise<Finding[]> {
  const info = await stat(folder).catch(() => null);
  if (info === null || process.platform === "win32") return [];
  const others = info.mode & 0o077;
  if (others === 0) return [{ what: "permissions", status: "ok", found: "the server's folder is yours alone", advice: null }];
  return [
    {
      what: "permissions",
      status: "missing",
      found: `others may look into ${folder} (mode ${(info.mode & 0o777).toString(8)})`,
      advice: `chmod 700 ${folder}`,
    },
  ];
}

function text(file: string): Promise<string | null> {
  return readFile(file, "utf8").catch(() => null);
}
