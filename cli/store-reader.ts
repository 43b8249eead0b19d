/** Reads runs from their folders, for when no server is alive. Nothing is written: what a server would settle is only shown settled. */
import type { Checkpoint } from "../protocol/artifact.ts";
import type { RunId } from "../protocol/ids.ts";
import { LogQuery, type AttemptDetail } from "../protocol/queries.ts";
import type { RunRecord, RunSummary } from "../protocol/run.ts";
import { LIVE_STATES } from "../protocol/states.ts";
import { isAlive, platform } from "../server/launch/platform.ts";
import { RunEntry } from "../server/runs/entry.ts";
import { decideOutcome } from "../server/runs/outcome.ts";
import { openSeries } from "../server/series/series.ts";
import type { RunSeries } from "../server/series/types.ts";
import { openStore } from "../server/store/store.ts";
import type { RunStore } from "../server/store/types.ts";
import { lastLines, type RunReader } from "./reader.ts";

/** @throws TrainyardError not_found when there is no store */
export async function openStoreReader(root: string): Promise<RunReader> {
  const store = await openStore(root, { create: false });
  return {
    async list({ project, state, search, archived, limit = 100, offset = 0 }) {
      const { runs } = await store.scan();
      const wanted = search?.toLowerCase();
      const entries = runs
        .map((run) => run.record)
        .filter((record) => project === undefined || record.project === project)
        .filter((record) => record.archived === (archived ?? false))
        .filter((record) => wanted === undefined || searchText(record).includes(wanted))
        .sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
      const found: RunSummary[] = [];
      // The state is only known after looking at the process, so that filter comes last.
      for (const record of entries) {
        const summary = await withEntry(store, record, (entry) => Promise.resolve(entry.summary()));
        if (state === undefined || state.includes(summary.state)) found.push(summary);
      }
      return { runs: found.slice(offset, offset + limit), total: found.length };
    },
    async report(id) {
      const { record } = await store.read(id);
      return withEntry(store, record, async (entry, series, checkpoints) => {
        const [{ spec }, resolved, attempts, events] = await Promise.all([
          store.spec(id),
          store.resolved(id),
          attemptDetails(store, id, series),
          store.events(id),
        ]);
        return {
          ...entry.summary(),
          environment: record.environment,
          run_dir: store.paths(id).dir,
          spec,
          resolved,
          attempts,
          checkpoints,
          events,
        };
      });
    },
    async log(id, request) {
      const { record } = await store.read(id);
      return lastLines((query) => store.logPage(id, query.attempt ?? Math.max(1, record.attempt), LogQuery.parse(query)), request);
    },
    close() {
      store.close();
      return Promise.resolve();
    },
  };
}

function searchText(record: RunRecord): string {
  return [record.name, record.id, record.notes, ...record.tags].join("\n").toLowerCase();
}

async function withEntry<T>(
  store: RunStore,
  record: RunRecord,
  work: (entry: RunEntry, series: RunSeries, checkpoints: Checkpoint[]) => Promise<T>,
): Promise<T> {
  const series = openSeries(store.paths(record.id), record.id);
  try {
    const entry = new RunEntry(record);
    await entry.load(store, series, () => series.poll());
    entry.record = await settled(store, entry);
    return await work(entry, series, [...entry.checkpoints]);
  } finally {
    series.close();
  }
}

/** The record as the next server will settle it, when the training has ended since the last one looked. */
async function settled(store: RunStore, entry: RunEntry): Promise<RunRecord> {
  const { record } = entry;
  if (!LIVE_STATES.has(record.state)) return record;
  const { id, attempt } = record;
  const [exit, process, stop] = await Promise.all([store.exit(id, attempt), store.process(id, attempt), store.stopRequest(id, attempt)]);
  if (exit === null && process !== null && (isAlive(process.process) || (process.supervisor !== null && isAlive(process.supervisor))))
    return record;
  // Between the record and process.json lies a moment in which the supervisor is only starting.
  if (exit === null && process === null) return record;
  const { end, plan } = entry.report;
  const rebooted = process !== null && process.process.boot_id !== platform.bootId();
  const decision = decideOutcome({ exit, stop, end, plan, lastStep: entry.lastStep, rebooted, started: process !== null });
  return { ...record, state: decision.state, state_reason: decision.reason, ended_at: exit?.ended_at ?? record.ended_at };
}

async function attemptDetails(store: RunStore, id: RunId, series: RunSeries): Promise<AttemptDetail[]> {
  const attempts = await store.attempts(id);
  return Promise.all(
    attempts.map(async (attempt) => {
      const [process, exit, log] = await Promise.all([
        store.process(id, attempt.number),
        store.exit(id, attempt.number),
        store.logBytes(id, attempt.number, 0, 0),
      ]);
      const points = series.window({ metrics: ["*"], maxPoints: 2, attempt: attempt.number }).flatMap((window) => [...window.steps]);
      return {
        ...attempt,
        process,
        exit,
        first_step: points.length === 0 ? null : Math.min(...points),
        last_step: points.length === 0 ? null : Math.max(...points),
        log_bytes: log.size,
      };
    }),
  );
}
