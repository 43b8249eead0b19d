/**
 * Processes as the operating system knows them. Linux reads /proc; macOS and other Unixes ask `ps`; Windows does what it can.
 * Everything is synchronous on purpose: a pid is only meaningful at the instant it is looked at.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import os from "node:os";
import type { ProcessIdentity } from "../../protocol/run.ts";
import { outOfFiles } from "../store/fs-errors.ts";

export interface ProcessInfo {
  readonly pid: number;
  readonly ppid: number;
  readonly group: number;
  readonly session: number;
  /** One letter as in `ps`: R, S, D, T (stopped), t (traced), Z (ended, not yet collected). */
  readonly state: string;
  /** Start time as the system counts it; compared as text. */
  readonly startTime: string;
  /** Processor time used so far, user and system, in seconds. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

export interface Platform {
  /** Changes with each boot. */
  bootId(): string;
  info(pid: number): ProcessInfo | null;
  list(): ProcessInfo[];
  /** The variables a process was started with, `NAME=value` each; null where they cannot be read. */
  environment(pid: number): string[] | null;
  /** Its argv; null where it cannot be read. */
  command(pid: number): string[] | null;
  /** Can processes of this user be found by their argv and environment? */
  readonly searchable: boolean;
}

/** Fields of /proc/<pid>/stat after the name, which may itself hold spaces and brackets. */
export function parseProcStat(text: string, page: number, ticks: number): ProcessInfo | null {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return null;
  const pid = Number(text.slice(0, open));
  const fields = text.slice(close + 2).split(" ");
  // fields[0] is field 3 of proc(5).
  const at = (field: number): string => fields[field - 3] ?? "";
  if (!Number.isInteger(pid) || at(22) === "") return null;
  return {
    pid,
    state: at(3),
    ppid: Number(at(4)),
    group: Number(at(5)),
    session: Number(at(6)),
    cpuSeconds: (Number(at(14)) + Number(at(15))) / ticks,
    startTime: at(22),
    rssBytes: Number(at(24)) * page,
  };
}

/** Page size and clock ticks from the auxiliary vector: exact, and needs no child process. */
function auxiliaryValues(): { page: number; ticks: number } {
  const values = { page: 4096, ticks: 100 };
  try {
    const raw = readFileSync("/proc/self/auxv");
    for (let at = 0; at + 16 <= raw.length; at += 16) {
      const type = Number(raw.readBigUInt64LE(at));
      const value = Number(raw.readBigUInt64LE(at + 8));
      if (type === 6) values.page = value;
      if (type === 17) values.ticks = value;
    }
  } catch {
    // The usual values of Linux stay.
  }
  return values;
}

/** null, for a process that cannot be looked at. @throws the error itself when no file could be opened: nobody may be taken for dead by that */
function unlessOutOfFiles(error: unknown): null {
  if (outOfFiles(error) !== null) throw error;
  return null;
}

function linux(): Platform {
  let boot: string | undefined;
  const { page, ticks } = auxiliaryValues();
  const info = (pid: number): ProcessInfo | null => {
    try {
      return parseProcStat(readFileSync(`/proc/${pid}/stat`, "latin1"), page, ticks);
    } catch (error) {
      return unlessOutOfFiles(error);
    }
  };
  return {
    bootId: () => (boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()),
    info,
    list() {
      const found: ProcessInfo[] = [];
      for (const name of readdirSync("/proc")) {
        const first = name.charCodeAt(0);
        if (first < 48 || first > 57) continue;
        const process = info(Number(name));
        if (process !== null) found.push(process);
      }
      return found;
    },
    environment(pid) {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
      } catch (error) {
        return unlessOutOfFiles(error); // Another user's process, or gone.
      }
    },
    command(pid) {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      } catch (error) {
        return unlessOutOfFiles(error);
      }
    },
    searchable: true,
  };
}

const PS_COLUMNS = "pid=,ppid=,pgid=,stat=,rss=,time=,lstart=";

/** One line of `ps -o pid=,ppid=,pgid=,stat=,rss=,time=,lstart=`; the start time is the rest of the line. */
export function parsePsLine(line: string): ProcessInfo | null {
  const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line);
  if (match === null) return null;
  const [, pid, ppid, group, state, rss, time, start] = match;
  const parts = (time ?? "0").split(/[-:]/).map(Number);
  // Seconds last, then minutes, hours, days.
  const weights = [1, 60, 3600, 86_400];
  const cpuSeconds = parts.reverse().reduce((sum, part, index) => sum + part * (weights[index] ?? 0), 0);
  return {
    pid: Number(pid),
    ppid: Number(ppid),
    group: Number(group),
    session: Number(group), // ps of macOS shows no usable session number; the group is the leader's pid all the same.
    state: (state ?? "?").charAt(0),
    startTime: start ?? "",
    cpuSeconds,
    rssBytes: Number(rss) * 1024,
  };
}

function run(command: string, args: readonly string[]): string {
  // LC_ALL=C: the start time must read the same in every locale, since it is compared as text.
  return execFileSync(command, args, {
    encoding: "utf8",
    timeout: 5000,
    maxBuffer: 32 * 1024 * 1024,
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
  });
}

function unix(): Platform {
  let boot: string | undefined;
  return {
    bootId() {
      if (boot === undefined) {
        const match = /sec = (\d+)/.exec(run("sysctl", ["-n", "kern.boottime"]));
        boot = match?.[1] ?? "unknown";
      }
      return boot;
    },
    info(pid) {
      try {
        return parsePsLine(run("ps", ["-o", PS_COLUMNS, "-p", String(pid)]));
      } catch {
        return null;
      }
    },
    list() {
      const lines = run("ps", ["-axo", PS_COLUMNS]).split("\n");
      return lines.map(parsePsLine).filter((process) => process !== null);
    },
    environment: () => null,
    command: () => null,
    searchable: false,
  };
}

function windows(): Platform {
  const query = (filter: string): ProcessInfo[] => {
    const script = `Get-CimInstance Win32_Process ${filter} | ForEach-Object { "$($_.ProcessId) $($_.ParentProcessId) $($_.WorkingSetSize) $([double]($_.KernelModeTime+$_.UserModeTime)/1e7) $($_.CreationDate.Ticks)" }`;
    return run("powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", script])
      .split(/\r?\n/)
      .map((line) => line.trim().split(" "))
      .filter((parts) => parts.length === 5)
      .map(([pid, ppid, rss, cpu, start]) => ({
        pid: Number(pid),
        ppid: Number(ppid),
        group: Number(pid),
        session: Number(pid),
        state: "R",
        startTime: start ?? "",
        cpuSeconds: Number(cpu),
        rssBytes: Number(rss),
      }));
  };
  return {
    // To the minute: uptime and clock are not read at the same instant.
    bootId: () => String(Math.round((Date.now() / 1000 - os.uptime()) / 60)),
    info(pid) {
      try {
        return query(`-Filter "ProcessId=${pid}"`)[0] ?? null;
      } catch {
        return null;
      }
    },
    list: () => query(""),
    environment: () => null,
    command: () => null,
    searchable: false,
  };
}

export const platform: Platform = process.platform === "linux" ? linux() : process.platform === "win32" ? windows() : unix();

/** Has it ended? A zombie has: it holds no memory and no GPU, only its exit status waits to be read. */
export function hasEnded(info: ProcessInfo): boolean {
  return info.state === "Z" || info.state === "X";
}

/** The identity of a process that lives now; null when there is none. */
export function identify(pid: number): ProcessIdentity | null {
  const info = platform.info(pid);
  return info === null ? null : { pid, start_time: info.startTime, boot_id: platform.bootId() };
}

/** Is this very process still there? A pid that was given to another process since, or an earlier boot, is a no. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.boot_id !== platform.bootId()) return false;
  const info = platform.info(identity.pid);
  return info !== null && !hasEnded(info) && info.startTime === identity.start_time;
}
