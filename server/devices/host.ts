/** Processor, memory and disk of the machine. Linux is read from /proc; other systems through node:os. */
import { readFile, statfs } from "node:fs/promises";
import os from "node:os";
import type { SystemSample } from "../../protocol/system.ts";

/** Busy and total processor time since boot, in one and the same unit. */
export interface CpuTimes {
  readonly busy: number;
  readonly total: number;
}

/** The first line of /proc/stat; null when it is not one. */
export function parseProcStatCpu(text: string): CpuTimes | null {
  const match = /^cpu +([\d ]+)/.exec(text);
  if (match === null) return null;
  // user nice system idle iowait irq softirq steal; guest time is part of user already.
  const fields = (match[1] ?? "").trim().split(/ +/).slice(0, 8).map(Number);
  if (fields.length < 4) return null;
  const total = fields.reduce((sum, field) => sum + field, 0);
  return { total, busy: total - (fields[3] ?? 0) - (fields[4] ?? 0) };
}

/** /proc/meminfo in bytes; what can be given to programs without swapping counts as free. */
export function parseMeminfo(text: string): { used: number; total: number } | null {
  const kibibytes = (name: string): number | null => {
    const match = new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(text);
    return match === null ? null : Number(match[1]);
  };
  const total = kibibytes("MemTotal");
  const available = kibibytes("MemAvailable") ?? kibibytes("MemFree");
  return total === null || available === null ? null : { used: (total - available) * 1024, total: total * 1024 };
}

/** Percent of all cores between two readings; null when no time passed. */
export function cpuPercent(before: CpuTimes | null, now: CpuTimes | null): number | null {
  if (before === null || now === null || now.total <= before.total) return null;
  return Math.min(100, Math.max(0, (100 * (now.busy - before.busy)) / (now.total - before.total)));
}

export class HostSampler {
  readonly #storeRoot: string;
  #cpu: CpuTimes | null = null;

  constructor(storeRoot: string) {
    this.#storeRoot = storeRoot;
  }

  /** The processor's share is that since the last call: null at the first. */
  async sample(): Promise<Omit<SystemSample, "gpus">> {
    const [cpu, memory, disk] = await Promise.all([readCpu(), readMemory(), readDisk(this.#storeRoot)]);
    const percent = cpuPercent(this.#cpu, cpu);
    this.#cpu = cpu;
    return {
      time: Date.now(),
      cpu_percent: percent === null ? null : Math.round(percent * 10) / 10,
      memory_used_bytes: memory?.used ?? null,
      memory_total_bytes: memory?.total ?? null,
      disk_free_bytes: disk?.free ?? null,
      disk_total_bytes: disk?.total ?? null,
    };
  }
}

async function readCpu(): Promise<CpuTimes | null> {
  if (process.platform === "linux") return parseProcStatCpu(await readFile("/proc/stat", "latin1").catch(() => ""));
  let busy = 0;
  let total = 0;
  for (const { times } of os.cpus()) {
    const all = times.user + times.nice + times.sys + times.idle + times.irq;
    total += all;
    busy += all - times.idle;
  }
  return total === 0 ? null : { busy, total };
}

async function readMemory(): Promise<{ used: number; total: number } | null> {
  if (process.platform === "linux") return parseMeminfo(await readFile("/proc/meminfo", "latin1").catch(() => ""));
  return { used: os.totalmem() - os.freemem(), total: os.totalmem() };
}

async function readDisk(folder: string): Promise<{ free: number; total: number } | null> {
  try {
    const info = await statfs(folder);
    return { free: info.bavail * info.bsize, total: info.blocks * info.bsize };
  } catch {
    return null;
  }
}
