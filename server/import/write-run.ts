/** A run folder from gathered points, put together aside and moved into the store as a whole. */
import { mkdir, open } from "node:fs/promises";
import path from "node:path";
import { stringify as stringifyYaml } from "yaml";
import { newRunId } from "../../protocol/ids.ts";
import { METRIC_MAX_SETS } from "../../protocol/metric-file.ts";
import { RUN_FOLDER_VERSION, type AttemptRecord, type ImportSource, type RunRecord } from "../../protocol/run.ts";
import type { ResolvedSpec } from "../../protocol/spec.ts";
import { FINAL_STATES } from "../../protocol/state-kinds.ts";
import { loggedRows } from "../export/rows.ts";
import type { SeriesWindow } from "../series/types.ts";
import { writeFileAtomic, writeJsonAtomic } from "../store/atomic.ts";
import { writeError } from "../store/fs-errors.ts";
import { appendJsonl } from "../store/jsonl.ts";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";
import { runPaths } from "../store/paths.ts";
import type { GatheredRun } from "./points.ts";

/** Bytes that are written at once. */
const WRITE_BYTES = 1024 * 1024;

export interface ImportTarget {
  /** Store's root and the empty folder in it. */
  readonly root: string;
  readonly folder: string;
  readonly project: string;
  readonly source: ImportSource;
}

/** Fills the folder but for run.json, which the store writes when it takes the folder in. @returns what run.json will say */
export async function writeRunFolder(gathered: GatheredRun, target: ImportTarget): Promise<RunRecord> {
  const { folder, source } = target;
  const record = recordOf(gathered, target);
  const paths = runPaths(folder);
  try {
    for (const each of [paths.attempts, paths.artifacts, paths.checkpoints]) await mkdir(each, { recursive: true });
  } catch (error) {
    throw writeError(error, `make folders in ${folder}`, folder);
  }
  const spec = gathered.known?.spec_source ?? "";
  await writeFileAtomic(
    paths.specYaml,
    spec === "" ? stringifyYaml({ name: record.name, project: record.project, recipe: record.recipe }) : spec,
  );
  const place = runPaths(path.join(target.root, record.project, "runs", record.id));
  const resolved: ResolvedSpec = {
    run: record.id,
    recipe: record.recipe,
    params: gathered.known?.params ?? {},
    sources: {},
    seed: record.seed,
    run_dir: place.dir,
    checkpoint_dir: place.checkpoints,
    artifact_dir: place.artifacts,
    resume_from: null,
    extra: {},
  };
  await writeJsonAtomic(paths.resolvedJson, resolved);
  const evidence = { file: source.file, run: source.run };
  await appendJsonl(paths.eventsJsonl, {
    type: "state",
    time: source.imported_at,
    from: null,
    to: record.state,
    attempt: record.attempt,
    cause: "import",
    evidence,
  });
  for (const attempt of gathered.attempts.keys()) {
    const files = paths.attempt(attempt);
    await mkdir(files.dir, { recursive: true });
    await writeJsonAtomic(files.attemptJson, attemptRecord(attempt, target));
    await writeMetricFile(files.metrics, gathered.windows(attempt));
  }
  return record;
}

function recordOf({ known, name, attempts }: GatheredRun, { project, source }: ImportTarget): RunRecord {
  const attempt = Math.max(known?.attempt ?? 0, ...attempts.keys());
  const base = {
    version: RUN_FOLDER_VERSION,
    id: newRunId(),
    project,
    attempt,
    origin: "import",
    imported: source,
  } as const;
  if (known === null)
    return {
      ...base,
      experiment: null,
      name: (name ?? "").slice(0, 200) || source.run.slice(0, 200) || "imported",
      description: "",
      notes: "",
      tags: [],
      starred: false,
      archived: false,
      // A file of points alone does not say how the run ended; it has ended, for nothing more can come.
      state: "completed",
      state_reason: `Imported from ${path.basename(source.file)}.`,
      failure: null,
      recipe: "imported",
      seed: null,
      parent: null,
      created_at: source.imported_at,
      started_at: null,
      ended_at: null,
      git: null,
      environment: null,
    };
  const { experiment, description, notes, tags, starred, archived, failure, recipe, seed, parent, git, environment } = known;
  const { created_at, started_at, ended_at } = known;
  return {
    ...base,
    ...{ experiment, name: known.name, description, notes, tags, starred, archived, failure, recipe, seed, parent, git, environment },
    ...{ created_at, started_at, ended_at },
    ...stateAfterImport(known),
  };
}

/** What went on elsewhere has ended here. */
export function stateAfterImport({
  state,
  state_reason,
}: Pick<RunRecord, "state" | "state_reason">): Pick<RunRecord, "state" | "state_reason"> {
  if (FINAL_STATES.has(state)) return { state, state_reason };
  return { state: "interrupted", state_reason: `It was ${state} when it was exported; what came later is not here.` };
}

function attemptRecord(number: number, { root, source }: ImportTarget): AttemptRecord {
  return {
    version: RUN_FOLDER_VERSION,
    number,
    kind: "import",
    resumed_from: null,
    launcher: "import",
    command: ["trainyard", "import", source.file],
    cwd: path.dirname(root),
    env: {},
    python: null,
    grace_seconds: 0,
    created_at: source.imported_at,
  };
}

async function writeMetricFile(file: string, windows: readonly SeriesWindow[]): Promise<void> {
  try {
    const handle = await open(file, "wx");
    try {
      let pieces: Uint8Array[] = [fileHeader()];
      let bytes = 0;
      for (const record of metricRecords(windows)) {
        pieces.push(record);
        bytes += record.length;
        if (bytes < WRITE_BYTES) continue;
        await handle.writeFile(Buffer.concat(pieces));
        [pieces, bytes] = [[], 0];
      }
      await handle.writeFile(Buffer.concat(pieces));
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw writeError(error, `write ${file}`, file);
  }
}

/** Points that were logged together stand in one row again. */
function* metricRecords(windows: readonly SeriesWindow[]): Generator<Uint8Array> {
  const sets = new Map<string, number>();
  const row = function* (columns: readonly number[], step: number, time: number, values: readonly number[]): Generator<Uint8Array> {
    const key = columns.join(" ");
    let set = sets.get(key);
    if (set === undefined) {
      sets.set(key, (set = sets.size));
      yield setRecord(
        set,
        columns.map((column) => windows[column]?.name ?? ""),
      );
    }
    yield rowRecord(set, time, step, values);
  };
  // Each metric by itself needs one set: room for these stays.
  const room = METRIC_MAX_SETS - windows.length;
  for (const { step, time, values } of loggedRows(windows)) {
    const columns = values.flatMap((value, column) => (value === undefined ? [] : [column]));
    if (sets.size < room || sets.has(columns.join(" "))) {
      yield* row(
        columns,
        step,
        time,
        values.filter((value) => value !== undefined),
      );
    } else for (const column of columns) yield* row([column], step, time, [values[column] ?? NaN]);
  }
}
