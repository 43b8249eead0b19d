/**
 * Finds the processes of an attempt that left no process.json: its supervisor was killed, or had no room to write, between starting the
 * training and saying so. Without this search such a training would go on unseen.
 */
import path from "node:path";
import type { ProcessIdentity } from "../../protocol/run.ts";
import { marked } from "./group.ts";
import { hasEnded, identify, platform } from "./platform.ts";

/** Is the supervisor of this attempt at work? null where processes cannot be searched. */
export function hasSupervisor(attemptDir: string): boolean | null {
  if (!platform.searchable) return null;
  return platform.list().some((info) => {
    const command = hasEnded(info) ? null : platform.command(info.pid);
    return command !== null && command.includes(attemptDir) && command.some((part) => path.basename(part) === "supervisor.cjs");
  });
}

/** The first process of the attempt: the one that leads a session and whose parent is none of the attempt's. null when there is none. */
export function findLeader(marks: readonly string[]): ProcessIdentity | null {
  const found = new Map(marked(marks).map((info) => [info.pid, info]));
  const leader = [...found.values()].find((info) => info.session === info.pid && !found.has(info.ppid));
  if (leader === undefined) return null;
  const identity = identify(leader.pid);
  return identity?.start_time === leader.startTime ? identity : null;
}
