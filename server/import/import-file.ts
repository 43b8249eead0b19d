/** An exported file becomes runs of the store, each as a whole or not at all. */
import { open, rm, stat } from "node:fs/promises";
import path from "node:path";
import { TrainyardError } from "../../protocol/errors.ts";
import { Slug, type RunId } from "../../protocol/ids.ts";
import type { ImportReport, ImportRequest } from "../../protocol/import.ts";
import type { ImportFormat, ImportSource } from "../../protocol/run.ts";
import { isAbsent } from "../store/fs-errors.ts";
import type { RunStore } from "../store/types.ts";
import { importArchive } from "./archive.ts";
import { gather, type Gathered, type GatheredRun, type ImportPiece } from "./points.ts";
import { readArrow, readParquet } from "./read-columns.ts";
import { LONG_COLUMNS, readJsonLines, readLong, readWide, WIDE_COLUMNS } from "./read-text.ts";
import { messageOf } from "./refused.ts";
import { writeRunFolder } from "./write-run.ts";

/** The exports of points; an archive is another matter. */
type PointFormat = Exclude<ImportFormat, "archive">;

const READERS: Readonly<Record<PointFormat, (file: string) => AsyncIterable<ImportPiece>>> = {
  long: readLong,
  wide: readWide,
  jsonl: readJsonLines,
  parquet: readParquet,
  arrow: readArrow,
};
/** For runs of a file that names no project. */
const DEFAULT_PROJECT = "imported";

/**
 * @param isTaken is there a run of this id, in whichever store is shown?
 * @returns the new runs in the order of the file; they lie in the store, and nobody has been told of them yet
 * @throws TrainyardError missing_file | bad_request (what is wrong, and in which line) | disk_full | store_unwritable
 */
export async function importFile(
  store: RunStore,
  { path: file, project }: ImportRequest,
  isTaken: (id: RunId) => boolean,
): Promise<ImportReport> {
  if (!path.isAbsolute(file)) throw new TrainyardError("bad_request", `${file} is no absolute path`, "Give the whole path.");
  const format = await formatOf(file);
  if (format === "archive") return importArchive(store, { path: file, project }, isTaken);
  const { provenance, runs } = await readAll(file, format);
  if (runs.size === 0) throw new TrainyardError("bad_request", `${file} holds no run`, "Export at least one run.");
  const report: ImportReport = { format, runs: [] };
  for (const [run, gathered] of runs) {
    const { store: from = null, exported_at: exported = null, version = null } = provenance;
    const source: ImportSource = { format, file, imported_at: new Date().toISOString(), run, store: from, exported_at: exported, version };
    report.runs.push(await makeRun(store, gathered, source, project ?? projectOf(gathered)));
  }
  return report;
}

async function makeRun(
  store: RunStore,
  gathered: GatheredRun,
  source: ImportSource,
  project: string,
): Promise<ImportReport["runs"][number]> {
  const folder = await store.staging();
  try {
    const record = await writeRunFolder(gathered, { root: store.root, folder, project, source });
    await store.adopt(folder, record);
    return { id: record.id, name: record.name, project, source_run: source.run, points: gathered.count };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function projectOf({ known }: GatheredRun): string {
  const project = Slug.safeParse(known?.project);
  return project.success ? project.data : DEFAULT_PROJECT;
}

async function readAll(file: string, format: PointFormat): Promise<Gathered> {
  try {
    return await gather(READERS[format](file));
  } catch (error) {
    if (error instanceof TrainyardError) throw error;
    throw new TrainyardError("bad_request", `${file} cannot be read as ${format}: ${messageOf(error)}`, "Export the run again.", [], {
      cause: error,
    });
  }
}

/** The first 4 KiB as text. @throws TrainyardError missing_file | bad_request */
async function beginningOf(file: string): Promise<string> {
  try {
    // Before it is opened: opening a pipe would wait for its writer.
    if (!(await stat(file)).isFile()) throw new TrainyardError("bad_request", `${file} is no file`, "Give the path of an exported file.");
    const handle = await open(file, "r");
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
      return buffer.toString("utf8", 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof TrainyardError) throw error;
    if (isAbsent(error)) throw new TrainyardError("missing_file", `there is no file ${file}`, "Check the path.");
    throw new TrainyardError("missing_file", `${file} cannot be read: ${messageOf(error)}`, "Check its permissions and the disk.", [], {
      cause: error,
    });
  }
}

/** By what the file begins with: names say little. */
async function formatOf(file: string): Promise<ImportFormat> {
  const start = await beginningOf(file);
  if (start.startsWith("PAR1")) return "parquet";
  if (start.startsWith("PK\u0003\u0004")) return "archive";
  if (start.startsWith("ARROW1")) return "arrow";
  if (start.startsWith("{")) return "jsonl";
  if (start.startsWith(LONG_COLUMNS.join(","))) return "long";
  if (start.startsWith(WIDE_COLUMNS.join(","))) return "wide";
  throw new TrainyardError(
    "bad_request",
    `${file} is none of Trainyard's exports`,
    "Files of trainyard export can be imported: long, wide, jsonl, parquet, arrow and archive.",
  );
}
