/** Reads runs from their folders, for when no server is alive. Nothing is written: what a server would settle is only shown settled. */
import { RunId } from "../protocol/ids.ts";
import { LogQuery } from "../protocol/queries.ts";
import type { RunRecord, RunSummary } from "../protocol/run.ts";
import { LIVE_STATES } from "../protocol/state-kinds.ts";
import { isAlive, platform } from "../server/launch/platform.ts";
import { runDetail } from "../server/runs/detail.ts";
import { RunEntry } from "../server/runs/entry.ts";
import { standIn } from "../server/runs/inventory.ts";
import { decideOutcome } from "../server/runs/outcome.ts";
import { openSeries } from "../server/series/series.ts";
import type { RunSeries } from "../server/series/types.ts";
import { mapLimited } from "../server/store/run-index.ts";
import { openStore } from "../server/store/store.ts";
import type { RunStore } from "../server/store/types.ts";
import { lastLines, type RunReader } from "./reader.ts";

/** @throws TrainyardError not_found when there is no store */
export async function openStoreReader(root: string): Promise<RunReader> {
  const store = await openStore(root, { create: false });
  return {
    async list({ project, state, search, archived, limit = 100, offset = 0 }) {
      const { runs, damaged } = await store.scan();
      const wanted = search?.toLowerCase();
      const broken = damaged.flatMap((run) => {
        const id = RunId.safeParse(run.id);
        return id.success ? [new RunEntry(standIn(id.data, run), run.problem.message)] : [];
      });
      const known = new Map(broken.map((entry) => [entry.record.id, entry.summary()]));
      // What a dead server left as running may have ended since: those are looked at before the filter by state.
      const summary = (record: RunRecord): Promise<RunSummary> => withEntry(store, record, (entry) => Promise.resolve(entry.summary()));
      for (const { record } of runs) if (LIVE_STATES.has(record.state)) known.set(record.id, await summary(record));
      const matching = [...runs, ...broken]
        .map((run) => run.record)
        .filter((record) => project === undefined || record.project === project)
        .filter((record) => record.archived === (archived ?? false))
        .filter((record) => wanted === undefined || searchText(record).includes(wanted))
        .filter((record) => state === undefined || state.includes(known.get(record.id)?.state ?? record.state))
        .sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
      const page = matching.slice(offset, offset + limit);
      return { runs: await mapLimited(page, async (record) => known.get(record.id) ?? (await summary(record))), total: matching.length };
    },
    async report(id) {
      const { record } = await store.read(id);
      return withEntry(store, record, async (entry, series) => ({
        ...(await runDetail(entry, store, series)),
        checkpoints: [...entry.checkpoints],
        events: await store.events(id),
      }));
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

async function withEntry<T>(store: RunStore, record: RunRecord, work: (entry: RunEntry, series: RunSeries) => Promise<T>): Promise<T> {
  const series = openSeries(store, record.id, "metrics");
  try {
    const entry = new RunEntry(record);
    await entry.load(store, series);
    entry.record = await settled(store, entry);
    return await work(entry, series);
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
