/** The life of attempts: start, follow, find again after a restart of the server, settle by evidence. */
import { existsSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { counted } from "../../protocol/counted.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import { notFiniteSentence } from "../../protocol/not-finite.ts";
import type { ReportRecord } from "../../protocol/report.ts";
import type { AttemptRecord, ExitRecord, ProcessRecord } from "../../protocol/run.ts";
import { isWaiting, LIVE_STATES } from "../../protocol/state-kinds.ts";
import { attemptMarks } from "../launch/group.ts";
import { launchAttempt } from "../launch/launch.ts";
import { findLeader, hasSupervisor } from "../launch/search.ts";
import type { RunEntry } from "./entry.ts";
import { classifyFailure } from "./failure.ts";
import type { Ledger } from "./ledger.ts";
import { LiveAttempt, type AttemptEnd, type LiveHost } from "./live.ts";
import { decideOutcome } from "./outcome.ts";
import { attemptRecord, type PrepareContext } from "./prepare.ts";
import type { SeriesPool } from "./series-pool.ts";
import { leaving, startingAs } from "./queue-stay.ts";
import { memoryLimit, oomKillCount } from "./snapshot.ts";

/** How much of the log's end is searched for the cause of a failure. */
const FAILURE_LOG_BYTES = 8 * 1024 * 1024;

export class Attempts {
  readonly #ledger: Ledger;
  readonly #pool: SeriesPool;
  readonly #context: PrepareContext;
  /** Called after a run has left its live states: a queued one may go on. */
  readonly #freed: (entry: RunEntry) => void;
  /** Runs whose supervisor is being started: they are followed when that is done. */
  readonly #starting = new Set<RunId>();
  readonly #startedAfterAll = new Set<RunId>();
  readonly #oomBefore = new Map<RunId, number | null>();
  /** Checkpoints whose event is written: attempt, step and path. */
  readonly #noted = new Map<RunId, Set<string>>();

  constructor(ledger: Ledger, pool: SeriesPool, context: PrepareContext, freed: (entry: RunEntry) => void) {
    this.#ledger = ledger;
    this.#pool = pool;
    this.#context = context;
    this.#freed = freed;
  }

  /**
   * Starts the next attempt of a queued run from what its folder says. A process that cannot be started ends the run as failed; it is
   * not thrown, since the run exists by then.
   */
  async launch(entry: RunEntry): Promise<void> {
    const { store } = this.#ledger;
    const { id } = entry.record;
    const number = entry.record.attempt + 1;
    const [{ spec }, resolved] = await Promise.all([store.spec(id), store.resolved(id)]);
    if (spec === null || resolved === null) {
      await this.#ledger.move(entry, {
        to: "failed",
        cause: "server",
        changes: {
          state_reason: "Its spec.yaml or resolved.json cannot be read.",
          ended_at: new Date().toISOString(),
          ...leaving(entry.record, "failed"),
        },
      });
      return;
    }
    const attempt = attemptRecord(this.#context, { record: entry.record, spec, resolved, number });
    const paths = await store.writeAttempt(id, attempt);
    const now = new Date().toISOString();
    entry.attemptStarted(Date.parse(now));
    await this.#ledger.move(entry, {
      to: "starting",
      cause: isWaiting(entry.record) ? "queue" : "server",
      evidence: { command: attempt.command },
      changes: {
        attempt: number,
        started_at: entry.record.started_at ?? now,
        ended_at: null,
        state_reason: null,
        failure: null,
        ...startingAs(entry.record, number),
      },
    });
    await this.#start(entry, attempt, paths.dir);
  }

  async #start(entry: RunEntry, attempt: AttemptRecord, dir: string): Promise<void> {
    const { id } = entry.record;
    this.#starting.add(id);
    try {
      await launchAttempt({ attemptDir: dir, packageRoot: this.#context.packageRoot });
    } catch (error) {
      this.#ledger.note(`${id} cannot be started`, error);
      // Without a supervisor and without a process nobody else could say so. A slow supervisor, or a training whose supervisor was killed
      // before it could name it, is followed like any other.
      if (!(await isUnderWay(dir, attemptMarks(attempt.env))))
        await this.#ledger.store.writeExit(id, attempt.number, noProcess(error instanceof Error ? error.message : String(error)));
    } finally {
      this.#starting.delete(id);
    }
    await this.follow(entry);
  }

  /**
   * Starts an attempt whose server was killed before it had started the supervisor: nothing of it has run yet, or there would be a log. Once
   * for each server; where processes cannot be searched, never, for nobody could be sure.
   */
  async #startAfterAll(entry: RunEntry, number: number): Promise<boolean> {
    const { store } = this.#ledger;
    const { id } = entry.record;
    const { dir, log } = store.paths(id).attempt(number);
    if (store.readOnly || this.#startedAfterAll.has(id) || (await store.stopRequest(id, number)) !== null) return false;
    const attempt = (await store.attempts(id)).find((candidate) => candidate.number === number);
    if (attempt === undefined || existsSync(log) || hasSupervisor(dir) !== false || findLeader(attemptMarks(attempt.env)) !== null)
      return false;
    this.#startedAfterAll.add(id);
    entry.live?.close();
    entry.live = null;
    await this.#start(entry, attempt, dir);
    return true;
  }

  /** Begins to follow the run's newest attempt, from the beginning of its files. Whoever asks while it is followed changes nothing. */
  async follow(entry: RunEntry): Promise<void> {
    if (entry.live !== null || this.#starting.has(entry.record.id)) return;
    const { store } = this.#ledger;
    const { id, attempt: number } = entry.record;
    await entry.loadReports(store, number - 1);
    entry.report.beginAttempt();
    const attempt = (await store.attempts(id)).find((candidate) => candidate.number === number);
    if (attempt === undefined) {
      await this.#settle(entry, number, { exit: await store.exit(id, number), started: false, rebooted: false, silentHost: null });
      return;
    }
    this.#oomBefore.set(id, await oomKillCount());
    await this.#rememberNoted(id);
    const series = this.#pool.follow(id);
    entry.live = new LiveAttempt({
      run: id,
      attempt,
      store,
      paths: store.paths(id).attempt(number),
      series,
      stopsGracefully: () => entry.report.gracefulStop,
      host: this.#host(entry, number, () => {
        entry.takeSeries(series.series);
      }),
    });
    entry.markLoaded(true);
    await entry.live.start();
    if (LIVE_STATES.has(entry.record.state)) await this.lookForCheckpoints(entry);
    this.#ledger.announce(entry);
  }

  /** Validates the run's checkpoints anew and tells what changed. */
  async lookForCheckpoints(entry: RunEntry): Promise<void> {
    const { id } = entry.record;
    const checkpoints = await this.#ledger.store.checkpoints(id);
    if (JSON.stringify(checkpoints) === JSON.stringify(entry.checkpoints)) return;
    entry.checkpoints = checkpoints;
    this.#ledger.emit({ type: "checkpoints", id, checkpoints });
    this.#ledger.announceSoon(entry);
  }

  #host(entry: RunEntry, number: number, takeSeries: () => void): LiveHost {
    const ledger = this.#ledger;
    const { id } = entry.record;
    return {
      started: (process) => this.#started(entry, process),
      reported: (records) => this.#reported(entry, number, records),
      points: async () => {
        takeSeries();
        ledger.emit({ type: "points", id });
        ledger.announceSoon(entry);
        await this.#noteNotFinite(entry, number);
      },
      log: () => {
        ledger.emit({ type: "log", id, attempt: number });
      },
      usage: (usage) => {
        ledger.emit({ type: "usage", id, usage });
        ledger.announceSoon(entry); // The elapsed time goes on even without points.
      },
      lookForCheckpoints: () => this.lookForCheckpoints(entry),
      ended: (end) => this.#settle(entry, number, end),
      failed: (error) => {
        ledger.note(`following ${id}`, error);
      },
    };
  }

  async #started(entry: RunEntry, process: ProcessRecord): Promise<void> {
    entry.attemptStarted(Date.parse(process.started_at));
    const evidence = {
      pid: process.process.pid,
      start_time: process.process.start_time,
      boot_id: process.process.boot_id,
      host: process.host,
    };
    await this.#ledger.moveFrom(entry, (state) => state === "starting", { to: "running", cause: "process started", evidence });
  }

  async #reported(entry: RunEntry, number: number, records: readonly ReportRecord[]): Promise<void> {
    const { id } = entry.record;
    let checkpoints = false;
    for (const record of records) {
      entry.report.add(record);
      const time = new Date(record.time * 1000).toISOString();
      if (record.type === "checkpoint") {
        checkpoints = true;
        const name = path.basename(record.path);
        if (this.#isNew(id, `${number}:${record.step}:${name}`))
          await this.#ledger.event(entry, { type: "checkpoint", time, attempt: number, step: record.step, name });
      } else if (record.type === "message" || record.type === "dropped") {
        const text =
          record.type === "message" ? record.text : `${counted(record.count, "point was", "points were")} not written: ${record.reason}`;
        const level = record.type === "message" ? record.level : "warning";
        if (this.#isNew(id, `${number}:${time}:${text}`)) await this.#ledger.event(entry, { type: "message", time, level, text });
      }
    }
    if (checkpoints) await this.lookForCheckpoints(entry);
    this.#ledger.announceSoon(entry);
  }

  async #noteNotFinite(entry: RunEntry, number: number): Promise<void> {
    const found = entry.notFinite;
    if (found?.attempt !== number) return;
    const time = new Date(found.time).toISOString();
    const text = `${notFiniteSentence(found)}.`;
    if (this.#isNew(entry.id, `${number}:${time}:${text}`))
      await this.#ledger.event(entry, { type: "message", time, level: "warning", text });
  }

  async #rememberNoted(id: RunId): Promise<void> {
    const noted = new Set<string>();
    const { attempt } = this.#ledger.must(id).record;
    for (const event of await this.#ledger.store.events(id)) {
      if (event.type === "checkpoint") noted.add(`${event.attempt}:${event.step}:${event.name}`);
      if (event.type === "message") noted.add(`${attempt}:${event.time}:${event.text}`);
    }
    this.#noted.set(id, noted);
  }

  /** A report is read again after a restart; its events are written once. */
  #isNew(id: RunId, key: string): boolean {
    const noted = this.#noted.get(id) ?? new Set<string>();
    this.#noted.set(id, noted);
    if (noted.has(key)) return false;
    noted.add(key);
    return true;
  }

  async #settle(entry: RunEntry, number: number, end: AttemptEnd): Promise<void> {
    const { store } = this.#ledger;
    const { id } = entry.record;
    if (!end.started && end.exit === null && (await this.#startAfterAll(entry, number))) return;
    const stop = (await store.stopRequest(id, number)) ?? entry.live?.unwrittenStop ?? null;
    const { report } = entry;
    const decision = decideOutcome({ ...end, stop, end: report.end, plan: report.plan, lastStep: entry.lastStep });
    let failure = null;
    if (decision.state === "failed") {
      const oomBefore = this.#oomBefore.get(id) ?? null;
      const oomNow = await oomKillCount();
      failure = classifyFailure({
        log: await this.#logTail(id, number),
        exit: end.exit,
        end: report.end,
        oomKills: oomBefore === null || oomNow === null ? null : oomNow - oomBefore,
        machineMemoryBytes: (await memoryLimit()) ?? os.totalmem(),
      });
    }
    entry.live?.close();
    entry.live = null;
    const endedAt = end.exit?.ended_at ?? new Date().toISOString();
    if (end.exit === null && !store.readOnly) {
      // Nobody else will: without it the next server would have to find out again.
      const seen = { ...noProcess(null), ended_at: endedAt };
      await store.writeExit(id, number, seen).catch((error: unknown) => {
        this.#ledger.note(`exit.json of ${id}`, error);
      });
    }
    await this.#ledger.moveFrom(entry, (state) => LIVE_STATES.has(state), {
      to: decision.state,
      cause: end.exit === null ? "process gone" : "process exit",
      evidence: decision.evidence,
      changes: { state_reason: decision.reason, failure, ended_at: endedAt },
    });
    this.#noted.delete(id);
    this.#oomBefore.delete(id);
    await this.lookForCheckpoints(entry);
    this.#ledger.rest(entry);
    this.#freed(entry);
  }

  async #logTail(id: RunId, number: number): Promise<string> {
    try {
      const { size } = await this.#ledger.store.logBytes(id, number, 0, 1);
      const start = Math.max(0, size - FAILURE_LOG_BYTES);
      const { bytes } = await this.#ledger.store.logBytes(id, number, start, size - start);
      return new TextDecoder().decode(bytes);
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw error;
      return "";
    }
  }
}

/** Is there a supervisor or a process of the attempt? Looked for a few times: a process carries its mark only once it runs its own program. */
async function isUnderWay(attemptDir: string, marks: readonly string[]): Promise<boolean> {
  for (let look = 0; look < 5; look++) {
    if (hasSupervisor(attemptDir) === true || findLeader(marks) !== null) return true;
    await sleep(100);
  }
  return false;
}

/** An exit record for a process that the server itself did not find. */
function noProcess(launchError: string | null): ExitRecord {
  return {
    code: null,
    signal: null,
    started_at: null,
    ended_at: new Date().toISOString(),
    escalation: "none",
    launch_error: launchError,
    peak_rss_bytes: null,
    by: "server",
  };
}
