/** The processes of one store as /proc shows them, told apart without anything that Trainyard wrote down. */
import { readFile, readdir } from "node:fs/promises";
import { killQuietly } from "../../support/processes.ts";

export type Kind = "server" | "supervisor" | "training" | "rank" | "child";

export interface StoreProcess {
  readonly pid: number;
  readonly kind: Kind;
  /** null for the server. */
  readonly run: string | null;
  /** null for whatever is no rank. */
  readonly rank: number | null;
}

/** Living processes that serve, supervise or train for the store. Trainings are found by the mark in their environment. */
export async function processesOf(store: string): Promise<StoreProcess[]> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(names.map((name) => look(Number(name), store)));
  return found.filter((one) => one !== null);
}

async function look(pid: number, store: string): Promise<StoreProcess | null> {
  const argv = (await readText(`/proc/${pid}/cmdline`)).split("\0");
  if (argv.length < 2) return null;
  if (argv.some((part) => part.endsWith("/server.cjs")) && argv.includes(store)) return { pid, kind: "server", run: null, rank: null };
  const attempt = argv.find((part) => part.startsWith(`${store}/`) && part.includes("/attempts/"));
  if (attempt !== undefined && argv.some((part) => part.endsWith("/supervisor.cjs")))
    return { pid, kind: "supervisor", run: /\/(run_[^/]+)\//.exec(attempt)?.[1] ?? null, rank: null };
  const environment = (await readText(`/proc/${pid}/environ`)).split("\0");
  if (!environment.includes(`TRAINYARD_STORE=${store}`)) return null;
  if (/^State:\s+[ZX]/m.test(await readText(`/proc/${pid}/status`))) return null;
  const run = environment.find((entry) => entry.startsWith("TRAINYARD_RUN_ID="))?.slice("TRAINYARD_RUN_ID=".length) ?? null;
  if (argv.includes("-c")) return { pid, kind: "child", run, rank: null };
  const rank = environment.find((entry) => entry.startsWith("RANK="))?.slice("RANK=".length);
  return rank === undefined ? { pid, kind: "training", run, rank: null } : { pid, kind: "rank", run, rank: Number(rank) };
}

async function readText(file: string): Promise<string> {
  return readFile(file, "latin1").catch(() => "");
}

/** kill -9. True when there was somebody to kill. */
export function killNow(process: StoreProcess | undefined): boolean {
  if (process === undefined) return false;
  killQuietly(process.pid, "SIGKILL");
  return true;
}
