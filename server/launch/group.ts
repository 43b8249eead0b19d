/** All processes of one attempt: the leader's session and process group, and those that left it but carry its environment. */
import type { ProcessIdentity } from "../../protocol/run.ts";
import { hasEnded, identify, isAlive, platform, type ProcessInfo } from "./platform.ts";

export interface GroupUsage {
  /** Resident memory summed over the processes; pages shared between them count for each. */
  readonly rssBytes: number;
  /** Processor time of the processes that live now, in seconds. */
  readonly cpuSeconds: number;
  readonly processes: number;
}

export class ProcessGroup {
  readonly leader: ProcessIdentity;
  readonly #marks: readonly string[];

  /** @param marks environment entries (`TRAINYARD_RUN_ID=…`) that all processes of the attempt, and only they, inherited */
  constructor(leader: ProcessIdentity, marks: readonly string[]) {
    this.leader = leader;
    this.#marks = marks;
  }

  leaderAlive(): boolean {
    return isAlive(this.leader);
  }

  /** Living processes of the leader's session and group. */
  members(): ProcessInfo[] {
    if (this.leader.boot_id !== platform.bootId()) return [];
    const { pid, start_time: startTime } = this.leader;
    const all = platform.list();
    // While any member lives the kernel gives the leader's pid to nobody else; if a stranger has it, the whole group is gone.
    if (all.some((info) => info.pid === pid && info.startTime !== startTime)) return [];
    return all.filter((info) => (info.group === pid || info.session === pid) && !hasEnded(info) && info.pid !== process.pid);
  }

  /**
   * Living processes that left the session (torchrun starts its workers so) but carry the attempt's environment.
   * @param services also those that lead a session of their own, as a program does that was detached to go on by itself (an uploader)
   */
  strays(services = true): ProcessInfo[] {
    if (this.leader.boot_id !== platform.bootId()) return [];
    return marked(this.#marks, (info) => {
      if (!services && info.session === info.pid) return false;
      return info.group !== this.leader.pid && info.session !== this.leader.pid;
    });
  }

  /** Signals the leader's process group and every other member of its session. True when there was somebody to signal. */
  signal(signal: NodeJS.Signals): boolean {
    const members = this.members();
    if (members.length === 0) return false;
    if (process.platform !== "win32" && members.some((info) => info.group === this.leader.pid)) send(-this.leader.pid, signal);
    for (const info of members) if (info.group !== this.leader.pid || process.platform === "win32") send(info.pid, signal);
    return true;
  }

  signalStrays(signal: NodeJS.Signals, services = true): boolean {
    return signalEach(this.strays(services), signal);
  }

  /** Wakes members that were stopped by SIGSTOP or a debugger's ^Z, which would neither end nor save anything. */
  wake(): void {
    const stopped = this.members().some((info) => info.state === "T");
    if (stopped && process.platform !== "win32") this.signal("SIGCONT");
  }

  usage(): GroupUsage {
    const members = this.members();
    return {
      rssBytes: members.reduce((sum, info) => sum + info.rssBytes, 0),
      cpuSeconds: members.reduce((sum, info) => sum + info.cpuSeconds, 0),
      processes: members.length,
    };
  }
}

/** Environment entries by which the processes of one attempt are found again. */
export function attemptMarks(environment: Readonly<Record<string, string>>): string[] {
  return ["TRAINYARD_RUN_ID", "TRAINYARD_ATTEMPT"].flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [`${name}=${value}`];
  });
}

/**
 * Living processes other than this one that carry all of these environment entries; none where processes cannot be searched.
 * @param among asked first, since reading an environment costs more than looking at a process
 */
export function marked(marks: readonly string[], among: (info: ProcessInfo) => boolean = () => true): ProcessInfo[] {
  if (marks.length === 0 || !platform.searchable) return [];
  return platform.list().filter((info) => {
    if (info.pid === process.pid || hasEnded(info) || !among(info)) return false;
    const environment = platform.environment(info.pid);
    return environment !== null && marks.every((mark) => environment.includes(mark));
  });
}

/** Signals those that are still what they were when they were looked at. True when there was somebody to signal. */
export function signalEach(processes: readonly ProcessInfo[], signal: NodeJS.Signals): boolean {
  for (const info of processes) if (identify(info.pid)?.start_time === info.startTime) send(info.pid, signal);
  return processes.length > 0;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone between the look and the signal: what was wanted. Anything else shows in the next look.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH" && (error as NodeJS.ErrnoException).code !== "EPERM") throw error;
  }
}
