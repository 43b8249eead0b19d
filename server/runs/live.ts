/**
 * Follows one live attempt: its report, points, log and process. It only looks; what it sees goes to its host. All of it is in files, so
 * a server that starts later sees the same.
 */
import { stat } from "node:fs/promises";
import os from "node:os";
import { performance } from "node:perf_hooks";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import { ReportRecord } from "../../protocol/report.ts";
import type { AttemptRecord, ExitRecord, ProcessRecord, StopRequest } from "../../protocol/run.ts";
import type { RunUsage } from "../../protocol/system.ts";
import { Escalation } from "../launch/escalation.ts";
import { attemptMarks, marked, ProcessGroup, signalEach } from "../launch/group.ts";
import { isAlive, platform } from "../launch/platform.ts";
import { findLeader, hasSupervisor } from "../launch/search.ts";
import { FileWatcher } from "../store/file-watch.ts";
import { JsonlTail } from "../store/jsonl.ts";
import type { AttemptPaths, RunStore } from "../store/types.ts";
import type { SeriesLease } from "./series-pool.ts";

const POLL_MS = 200;
/** Of the watch on the metric file, where the system tells of no changes: the look itself is more often. */
const FALLBACK_POLL_MS = 2_000;
const PROCESS_MS = 1000;
const USAGE_MS = 2000;
const CHECKPOINTS_MS = 5000;
/** A supervisor that has not started its process by then never will. Where processes can be searched nobody waits so long. */
const START_LIMIT_MS = 30_000;
/** From attempt.json to a supervisor that can be found. */
const SUPERVISOR_START_MS = 2000;
/** Processes of another machine (a shared disk, a container that was made anew) cannot be seen: silence for so long counts as their end. */
const SILENCE_MS = 3_600_000;

/** The end of an attempt, as far as it could be seen. */
export interface AttemptEnd {
  readonly exit: ExitRecord | null;
  readonly started: boolean;
  readonly rebooted: boolean;
  readonly silentHost: string | null;
}

export interface LiveHost {
  /** The process is there. */
  started(process: ProcessRecord): Promise<void>;
  reported(records: readonly ReportRecord[]): Promise<void>;
  points(): Promise<void>;
  log(): void;
  usage(usage: RunUsage): void;
  /** Time to look for checkpoints that nobody reported. */
  lookForCheckpoints(): Promise<void>;
  /** Called once, after everything that was written before the end has been handed on. */
  ended(end: AttemptEnd): Promise<void>;
  failed(error: unknown): void;
}

export interface LiveOptions {
  readonly run: RunId;
  readonly attempt: AttemptRecord;
  readonly store: RunStore;
  readonly paths: AttemptPaths;
  readonly series: SeriesLease;
  readonly host: LiveHost;
  /** Does the training end by itself once it sees a stop request? */
  readonly stopsGracefully: () => boolean;
}

export class LiveAttempt {
  readonly #options: LiveOptions;
  readonly #report: JsonlTail<typeof ReportRecord>;
  /** Points are told as they are written; everything else waits for the next look. */
  readonly #pointWatch: FileWatcher;
  #process: ProcessRecord | null = null;
  /** The process was found by its mark: its supervisor did not get to write process.json. */
  #foundByMark = false;
  #group: ProcessGroup | null = null;
  #escalation: Escalation | null = null;
  /** A stop that found no room for its file. */
  #unwrittenStop: StopRequest | null = null;
  #logSize = 0;
  /** Of the points that the host was told of. */
  #cursor = "{}";
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  #dueProcess = 0;
  #dueUsage = 0;
  #dueCheckpoints = performance.now() + CHECKPOINTS_MS;
  #cpu: { seconds: number; at: number } | null = null;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#report = new JsonlTail(options.paths.reportJsonl, ReportRecord);
    const readPoints = (): Promise<void> =>
      this.#readPoints().catch((error: unknown) => {
        options.host.failed(error);
      });
    this.#pointWatch = new FileWatcher(readPoints, { pollMs: FALLBACK_POLL_MS });
  }

  get number(): number {
    return this.#options.attempt.number;
  }

  /** Of the leader; null before it was started, or on another machine. */
  get pid(): number | null {
    return this.#process === null || this.#elsewhere ? null : this.#process.process.pid;
  }

  /** Does the leader have its session and group to itself? One that a supervisor started does. */
  get #hasOwnGroup(): boolean {
    return this.#foundByMark || this.#process?.supervisor != null;
  }

  /** Reads what is there already, then goes on. */
  async start(): Promise<void> {
    this.#pointWatch.add(this.#options.paths.metrics);
    await this.#tick();
  }

  /** A stop that is not in stop.json, since the disk is full. */
  get unwrittenStop(): StopRequest | null {
    return this.#unwrittenStop;
  }

  /** Ends the training from here: SDK and supervisor cannot see the request, for there is no room for its file. */
  stopUnwritten(request: StopRequest): void {
    this.#unwrittenStop = request;
  }

  /** Stops looking. The attempt goes on. */
  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#pointWatch.close();
    this.#options.series.release();
  }

  get #elsewhere(): boolean {
    return this.#process !== null && this.#process.host !== os.hostname();
  }

  async #tick(): Promise<void> {
    let ended = false;
    try {
      ended = await this.#look();
    } catch (error) {
      // A disk that hiccups, a file that is replaced meanwhile: the next look tells.
      this.#options.host.failed(error);
    }
    if (ended || this.#closed) return;
    this.#timer = setTimeout(() => void this.#tick(), POLL_MS);
    this.#timer.unref();
  }

  /** True when the attempt has ended and the host was told. */
  async #look(): Promise<boolean> {
    const { store, run, host, attempt } = this.#options;
    // Of a store that was moved away nothing can be said: what ends meanwhile is told by the files, wherever they are.
    if (!store.isInPlace()) return false;
    await this.#findProcess();
    await this.#carryOutUnwrittenStop();
    // Looked at before the rest is read: what was written before the end is then read below.
    const exit = (await exists(this.#options.paths.exitJson)) ? await store.exit(run, attempt.number) : null;
    const gone = exit === null && (await this.#isGone());
    await this.#readFiles();
    // A reading that somebody else had begun before the exit is shared with us and may have missed the last rows.
    if (exit !== null || gone) await this.#readFiles();
    if (this.#isClosed()) return true;
    if (exit !== null || gone) {
      const last = exit ?? (await store.exit(run, attempt.number));
      if (last === null && !store.isInPlace()) return false;
      if (last === null) this.#killLeftovers();
      const rebooted = this.#process !== null && !this.#elsewhere && this.#process.process.boot_id !== platform.bootId();
      const silentHost = gone && this.#elsewhere ? (this.#process?.host ?? null) : null;
      const started = this.#process !== null || this.#logSize > 0 || this.#report.offset > 0;
      await host.ended({ exit: last, started, rebooted, silentHost });
      return true;
    }
    const now = performance.now();
    if (now >= this.#dueUsage) {
      this.#dueUsage = now + USAGE_MS;
      this.#measure(now);
    }
    if (now >= this.#dueCheckpoints) {
      this.#dueCheckpoints = now + CHECKPOINTS_MS;
      await host.lookForCheckpoints();
    }
    return false;
  }

  async #findProcess(): Promise<void> {
    const { store, run, attempt, paths } = this.#options;
    if ((this.#process !== null && !this.#foundByMark) || !(await exists(paths.processJson))) return;
    const record = await store.process(run, attempt.number);
    if (record === null) return;
    this.#foundByMark = false;
    await this.#take(record);
  }

  async #take(record: ProcessRecord): Promise<void> {
    this.#process = record;
    this.#group = new ProcessGroup(record.process, attemptMarks(this.#options.attempt.env));
    await this.#options.host.started(record);
  }

  /** No process.json: true when there is neither a supervisor that will write it nor a training that it left behind. */
  async #isNeverStarted(): Promise<boolean> {
    const { attempt, paths } = this.#options;
    const age = Date.now() - Date.parse(attempt.created_at);
    const supervised = hasSupervisor(paths.dir);
    if (supervised === null) return age > START_LIMIT_MS;
    if (supervised) return false;
    const leader = findLeader(attemptMarks(attempt.env));
    if (leader === null) return Math.abs(age) > SUPERVISOR_START_MS;
    this.#foundByMark = true;
    await this.#take({ process: leader, supervisor: null, host: os.hostname(), started_at: attempt.created_at });
    return false;
  }

  async #readPoints(): Promise<void> {
    const { host, series } = this.#options;
    // Others read the same series (a request for the run): what they read first is as new to us, so the cursor tells, not the poll.
    await series.series.poll();
    const cursor = JSON.stringify(series.series.cursor());
    if (cursor === this.#cursor || this.#isClosed()) return;
    this.#cursor = cursor;
    await host.points();
  }

  async #readFiles(): Promise<void> {
    const { host, paths } = this.#options;
    const records = await this.#report.read();
    if (records.length > 0) await host.reported(records);
    await this.#readPoints();
    const size = await fileSize(paths.log);
    if (size !== this.#logSize) {
      this.#logSize = size;
      host.log();
    }
  }

  /** Is nobody left who could write an exit record? Looks at processes once a second. */
  async #isGone(): Promise<boolean> {
    const now = performance.now();
    if (now < this.#dueProcess) return false;
    this.#dueProcess = now + PROCESS_MS;
    const known = this.#process;
    if (known === null) {
      if (await exists(this.#options.paths.processJson)) return false;
      return this.#isNeverStarted();
    }
    if (this.#elsewhere) return Date.now() - (await this.#lastSign()) > SILENCE_MS;
    if (known.supervisor !== null && isAlive(known.supervisor)) return false;
    if (this.#foundByMark && hasSupervisor(this.#options.paths.dir) === true) return false;
    if (!isAlive(known.process)) return true;
    await this.#stopWithoutSupervisor();
    return false;
  }

  /** When the attempt last wrote anything, ms since the epoch. */
  async #lastSign(): Promise<number> {
    const { log, metrics, reportJsonl, processJson } = this.#options.paths;
    const times = await Promise.all([log, metrics, reportJsonl, processJson].map((file) => stat(file).catch(() => null)));
    return Math.max(...times.map((found) => found?.mtimeMs ?? 0));
  }

  /** With the supervisor dead nobody else carries out a stop. */
  async #stopWithoutSupervisor(): Promise<void> {
    const { store, run, attempt, paths, stopsGracefully } = this.#options;
    if (store.readOnly) return; // Whoever only looks signals nobody.
    if (this.#escalation === null && !(await exists(paths.stopJson))) return;
    const request = await store.stopRequest(run, attempt.number);
    if (request !== null) this.#escalate(request, stopsGracefully());
  }

  async #carryOutUnwrittenStop(): Promise<void> {
    const { store, run, attempt } = this.#options;
    const request = this.#unwrittenStop;
    if (request === null) return;
    // SIGTERM at once: a framework that would stop by itself waits for the file. The SDK takes the first SIGTERM for the same request.
    this.#escalate(request, false);
    try {
      await store.writeStopRequest(run, attempt.number, request);
      this.#unwrittenStop = null;
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw error;
    }
  }

  #escalate(request: StopRequest, graceful: boolean): void {
    if (this.#group === null) return;
    this.#escalation ??= new Escalation(this.#target(this.#group));
    this.#escalation.ask(request, graceful, performance.now());
  }

  #target(group: ProcessGroup): { wake(): void; terminate(): void; kill(): void } {
    // A script that made its run by itself shares its group with the shell it was typed into: it alone is ended.
    const signal = (name: NodeJS.Signals): void => {
      if (this.#hasOwnGroup) group.signal(name);
      else if (group.leaderAlive()) process.kill(group.leader.pid, name);
    };
    return {
      wake: () => {
        if (this.#hasOwnGroup) group.wake();
      },
      terminate: () => {
        signal("SIGTERM");
      },
      kill: () => {
        signal("SIGKILL");
        group.signalStrays("SIGKILL");
      },
    };
  }

  /** The supervisor is dead and so is the leader: nothing of the attempt may go on holding memory or a GPU. */
  #killLeftovers(): void {
    if (this.#options.store.readOnly) return;
    if (this.#group === null) {
      // Nobody wrote down who led it, and the leader is gone: what it left behind is known by its marks alone.
      signalEach(marked(attemptMarks(this.#options.attempt.env)), "SIGKILL");
      return;
    }
    if (!this.#hasOwnGroup || this.#elsewhere) return;
    this.#group.signal("SIGKILL");
    this.#group.signalStrays("SIGKILL");
  }

  #measure(now: number): void {
    if (this.#group === null || this.#elsewhere) return;
    let { rssBytes, cpuSeconds, processes } = this.#group.usage();
    if (processes === 0) {
      const info = platform.info(this.#group.leader.pid);
      if (info === null) return;
      ({ rssBytes, cpuSeconds } = info);
      processes = 1;
    }
    const before = this.#cpu;
    this.#cpu = { seconds: cpuSeconds, at: now };
    // A child that ended takes its time with it: never below zero.
    const cpu = before === null ? null : Math.max(0, ((cpuSeconds - before.seconds) / ((now - before.at) / 1000)) * 100);
    this.#options.host.usage({ time: Date.now(), cpu_percent: cpu, rss_bytes: rssBytes, processes });
  }

  /** Through a function: it may have been closed while we waited. */
  #isClosed(): boolean {
    return this.#closed;
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function fileSize(file: string): Promise<number> {
  return stat(file).then(
    (found) => found.size,
    () => 0,
  );
}
