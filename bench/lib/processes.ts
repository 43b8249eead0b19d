/** What a process costs, as /proc tells it. */
import { readFileSync } from "node:fs";
import { platform } from "../../server/launch/platform.ts";

/** Processor time of all threads, ms; in steps of 10, which a minute makes 0.02 %. */
export function cpuMs(pid: number): number {
  const info = platform.info(pid);
  if (info === null) throw new Error("the server has ended");
  return info.cpuSeconds * 1000;
}

/** @param line `VmRSS`, or `VmHWM` for the most that it ever was */
export function residentMb(pid: number, line: "VmRSS" | "VmHWM" = "VmRSS"): number {
  const match = new RegExp(`^${line}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${String(pid)}/status`, "utf8"));
  return Number(match?.[1] ?? NaN) / 1024;
}
