/**
 * Owns one attempt's process from start to end. The process writes straight into the `log` file (never a pipe: a pipe kills training
 * when its reader dies); the supervisor only notes how the log grew, watches for stop.json, and writes down how it all ended.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { appendFileSync, closeSync, existsSync, fstatSync, openSync, statSync, truncateSync } from "node:fs";
import os from "node:os";
import { performance } from "node:perf_hooks";
import type { ExitRecord, ProcessIdentity, ProcessRecord } from "../../protocol/run.ts";
import { inheritedEnvironment } from "../launch/environment.ts";
import { Escalation } from "../launch/escalation.ts";
import { attemptMarks, ProcessGroup } from "../launch/group.ts";
import { identify } from "../launch/platform.ts";
import { readOrder, readStop, stopsGracefully, writeJsonAtomically, type LaunchOrder } from "./files.ts";

/** How often stop.json is looked for. Watching the folder instead would wake us at every line the training logs. */
const STOP_POLL_MS = 250;
const LOG_INDEX_MS = 1000;
/** Looking at all processes may take at most this share of one core. */
const SAMPLE_SHARE = 0.01;
const SAMPLE_MS = 1000;
const RETRY_WRITE_MS = 1000;
/** Processes that outlive the leader get this long to end by themselves, then SIGTERM, then as long again until SIGKILL. */
const LEFTOVER_MS = 5000;
const LEFTOVER_POLL_MS = 100;

type Ending = Pick<ExitRecord, "code" | "signal" | "launch_error">;

export class Supervisor {
  readonly #dir: string;
  readonly #self: ProcessIdentity | null;
  #startedAt: string | null = null;
  #peakRss: number | null = null;
  #escalation: Escalation | null = null;
  #stopSeen = "";
  /** Size of the log at the last line of log.idx. */
  #indexed = 0;
  #timers: NodeJS.Timeout[] = [];

  /** @throws Error when the folder is not there */
  constructor(attemptDir: string) {
    this.#dir = attemptDir;
    // The working directory stays the attempt's folder wherever it is moved; its path would not.
    process.chdir(attemptDir);
    this.#self = identify(process.pid);
  }

  /** Runs the attempt to its end; resolves when exit.json is written. */
  async run(): Promise<void> {
    if (existsSync("process.json") || existsSync("exit.json")) throw new Error(`${this.#dir} was started before; an attempt runs once`);
    const ending = await this.#runCommand();
    await this.#writeUntilDone("exit.json", ending);
  }

  /** What went wrong with the supervising itself; the file exists only when there was something. */
  note(text: string): void {
    try {
      appendFileSync("supervisor.log", `${new Date().toISOString()} ${text}\n`);
    } catch {
      // No room to complain in; the training matters more.
    }
  }

  async #runCommand(): Promise<ExitRecord> {
    let order: LaunchOrder;
    let log: number;
    try {
      order = readOrder("attempt.json");
      log = openSync("log", "a", 0o644);
    } catch (error) {
      return this.#exit({ code: null, signal: null, launch_error: messageOf(error) });
    }
    const child = this.#spawn(order, log);
    if (!(child instanceof Error) && child.pid !== undefined) {
      const leader = identify(child.pid);
      if (leader !== null) return this.#watch(child, new ProcessGroup(leader, attemptMarks(order.env)), log);
    }
    const error = child instanceof Error ? child : await spawnError(child);
    closeSync(log);
    return this.#exit({ code: null, signal: null, launch_error: launchMessage(error, order) });
  }

  #spawn(order: LaunchOrder, log: number): ChildProcess | Error {
    const [command = "", ...args] = order.command;
    try {
      // A missing folder and a missing program are both ENOENT of spawn; tell them apart here.
      if (!statSync(order.cwd).isDirectory()) throw new Error(`the working directory ${order.cwd} is not a folder`);
      this.#startedAt = new Date().toISOString();
      // `detached` = its own session. libuv resets every signal disposition of the child to the default.
      return spawn(command, args, {
        cwd: order.cwd,
        env: { ...inheritedEnvironment(process.env), ...order.env },
        detached: true,
        stdio: ["ignore", log, log],
        windowsHide: true,
      });
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  async #watch(child: ChildProcess, group: ProcessGroup, log: number): Promise<ExitRecord> {
    // Before the first await: whoever looks for the process must find it even if we die now.
    const ended = new Promise<Ending>((resolve) => {
      child.once("exit", (code, signal) => {
        resolve({ code, signal, launch_error: null });
      });
      child.once("error", (error) => {
        this.note(`child: ${error.message}`);
      });
    });
    const record: ProcessRecord = {
      process: group.leader,
      supervisor: this.#self,
      host: os.hostname(),
      started_at: this.#startedAt ?? new Date().toISOString(),
    };
    const processWritten = this.#writeUntilDone("process.json", record);

    const escalation = new Escalation({
      wake: () => {
        group.wake();
      },
      terminate: () => {
        group.signal("SIGTERM");
      },
      kill: () => {
        group.signal("SIGKILL");
        group.signalStrays("SIGKILL");
      },
    });
    this.#escalation = escalation;
    this.#every(STOP_POLL_MS, () => {
      this.#lookForStop(escalation);
    });
    this.#every(LOG_INDEX_MS, () => {
      this.#noteLogSize(log);
    });
    this.#sampleMemory(group, 200);

    const ending = await ended;
    const endedAt = new Date();
    await processWritten;
    this.#noteUnseenStop(escalation);
    await this.#endLeftovers(group, escalation, ending);
    this.#clearTimers();
    try {
      this.#noteLogSize(log);
    } catch (error) {
      this.note(messageOf(error)); // No room for the index; the log itself is whole.
    }
    closeSync(log);
    return this.#exit(ending, endedAt);
  }

  #lookForStop(escalation: Escalation): void {
    const file = "stop.json";
    const stat = statSync(file, { throwIfNoEntry: false });
    // Read only what changed: a second request may force the end.
    const seen = stat === undefined ? "" : `${stat.ino}:${stat.mtimeMs}:${stat.size}`;
    if (stat !== undefined && seen !== this.#stopSeen) {
      const request = readStop(file);
      this.#stopSeen = seen;
      if (request !== null) escalation.ask(request, stopsGracefully("report.jsonl"), performance.now());
    }
    escalation.tick(performance.now());
  }

  /** A training that stops by itself may be gone before the next look: it was asked all the same. */
  #noteUnseenStop(escalation: Escalation): void {
    if (escalation.asked) return;
    const request = existsSync("stop.json") ? readStop("stop.json") : null;
    if (request !== null) escalation.ask({ ...request, force: false }, true, performance.now());
  }

  #noteLogSize(log: number): void {
    const { size } = fstatSync(log);
    if (size <= this.#indexed) return;
    const index = "log.idx";
    const whole = statSync(index, { throwIfNoEntry: false })?.size ?? 0;
    try {
      appendFileSync(index, `${size} ${Date.now()}\n`);
    } catch (error) {
      // A full disk takes half a line; the next one must not be glued to it.
      if (whole > 0 || existsSync(index)) truncateSync(index, whole);
      throw error;
    }
    this.#indexed = size;
  }

  #sampleMemory(group: ProcessGroup, delay: number): void {
    this.#timers.push(
      setTimeout(() => {
        const before = process.cpuUsage();
        const { rssBytes } = group.usage();
        if (rssBytes > 0) this.#peakRss = Math.max(this.#peakRss ?? 0, rssBytes);
        // Processor time, not the clock: on a busy machine the look takes longer without costing more.
        const { user, system } = process.cpuUsage(before);
        this.#sampleMemory(group, Math.max(SAMPLE_MS, (user + system) / 1000 / SAMPLE_SHARE));
      }, delay),
    );
  }

  /**
   * The leader has ended: nothing of the attempt may go on holding memory or a GPU. Members of its session always go, and so does what its
   * ranks left in theirs; a process that leads a session of its own is spared when the training ended well and nobody asked for the end.
   */
  async #endLeftovers(group: ProcessGroup, escalation: Escalation, ending: Ending): Promise<void> {
    const withServices = escalation.asked || ending.code !== 0;
    const someLeft = (): boolean => group.members().length > 0 || group.strays(withServices).length > 0;
    const signal = (name: NodeJS.Signals): void => {
      group.signal(name);
      group.signalStrays(name, withServices);
    };
    const start = performance.now();
    let terminated = false;
    while (someLeft()) {
      const waited = performance.now() - start;
      if (!terminated && (waited >= LEFTOVER_MS || escalation.asked)) {
        terminated = true;
        signal("SIGTERM");
        group.wake();
      }
      // After a stop nobody waits for them any longer than for a process that got SIGTERM.
      if (escalation.level === "sigkill" || waited >= (escalation.asked ? LEFTOVER_MS : 2 * LEFTOVER_MS)) {
        signal("SIGKILL");
        escalation.noteKill();
      }
      if (waited > 6 * LEFTOVER_MS) {
        // Uninterruptible sleep (a dead network disk, a wedged driver): say so and let the run end.
        this.note(
          `processes that SIGKILL does not end: ${group
            .members()
            .map((info) => info.pid)
            .join(", ")}`,
        );
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, LEFTOVER_POLL_MS));
    }
  }

  #exit(ending: Ending, endedAt: Date = new Date()): ExitRecord {
    return {
      code: ending.code,
      signal: ending.signal,
      started_at: this.#startedAt,
      ended_at: endedAt.toISOString(),
      escalation: this.#escalation?.level ?? "none",
      launch_error: ending.launch_error,
      peak_rss_bytes: this.#peakRss,
      by: "supervisor",
    };
  }

  /** A full disk must not lose the record: tries again until there is room, or until the folder itself is gone. */
  async #writeUntilDone(name: string, value: unknown): Promise<void> {
    let complained = false;
    for (;;) {
      try {
        writeJsonAtomically(name, value);
        return;
      } catch (error) {
        if (!existsSync("attempt.json")) return;
        if (!complained) this.note(`${name} cannot be written, trying again: ${messageOf(error)}`);
        complained = true;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_WRITE_MS));
    }
  }

  #every(ms: number, act: () => void): void {
    this.#timers.push(
      setInterval(() => {
        try {
          act();
        } catch (error) {
          this.note(messageOf(error));
        }
      }, ms),
    );
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }
}

/** Node reports a program that cannot be executed through an event. */
async function spawnError(child: ChildProcess): Promise<Error> {
  return new Promise((resolve) => {
    child.once("error", resolve);
    child.once("exit", () => {
      resolve(new Error("the process was gone before it could be identified"));
    });
  });
}

function launchMessage(error: Error, order: LaunchOrder): string {
  const program = order.command[0] ?? "";
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
      return existsSync(order.cwd) ? `${program}: no such program` : `the working directory ${order.cwd} does not exist`;
    case "EACCES":
      return `${program}: permission denied (is it executable?)`;
    default:
      return `${program}: ${error.message}`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
