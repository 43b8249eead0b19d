/** An archive becomes run folders again: every file is checked against the list before any run takes its place. */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, realpath, rm, statfs, symlink, utimes } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import {
  ARCHIVE_MANIFEST,
  archivedFolder,
  archivedName,
  ArchiveManifest,
  type ArchivedFile,
  type ArchivedRun,
} from "../../protocol/archive.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import type { ImportReport, ImportRequest } from "../../protocol/import.ts";
import { parseJson } from "../../protocol/parse-json.ts";
import type { ImportSource, RunRecord } from "../../protocol/run.ts";
import { openSeries } from "../series/series.ts";
import { relativeInside } from "../store/artifacts.ts";
import { systemCode, writeError } from "../store/fs-errors.ts";
import type { RunStore } from "../store/types.ts";
import { cannotImport, messageOf } from "./refused.ts";
import { settleFolder } from "./settle-folder.ts";
import { Zip } from "./zip-file.ts";

/** A list of a hundred thousand files has about 20 MB. */
const MAX_MANIFEST_BYTES = 256 * 1024 * 1024;

/**
 * All runs of the archive, or none. A run keeps its id unless that is taken.
 * @param isTaken is there a run of this id, in whichever store is shown?
 * @throws TrainyardError bad_request (which entry is wrong, and how) | disk_full | store_unwritable
 */
export async function importArchive(
  store: RunStore,
  { path: file, project }: ImportRequest,
  isTaken: (id: RunId) => boolean,
): Promise<ImportReport> {
  const zip = await Zip.open(file);
  const folders: string[] = [];
  try {
    const manifest = await readManifest(zip);
    await checkRoom(file, manifest, store.root);
    const staged: { folder: string; run: ArchivedRun; record: RunRecord }[] = [];
    for (const run of manifest.runs) {
      const folder = await store.staging();
      folders.push(folder);
      await unpack(zip, run, folder);
      const { store: from, exported_at, version } = manifest;
      const source: ImportSource = {
        format: "archive",
        file,
        imported_at: new Date().toISOString(),
        run: run.id,
        store: from,
        exported_at,
        version,
      };
      const id = isTaken(run.id) ? newRunId() : run.id;
      const record = await settleFolder(run, { root: store.root, folder, id, project: project ?? run.project, source });
      staged.push({ folder, run, record });
    }
    const report: ImportReport = { format: "archive", runs: [] };
    for (const { folder, run, record } of staged) {
      await store.adopt(folder, record);
      const points = await pointsOf(store, record.id);
      report.runs.push({ id: record.id, name: record.name, project: record.project, source_run: run.id, points });
    }
    return report;
  } finally {
    zip.close();
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  }
}

async function pointsOf(store: RunStore, id: RunId): Promise<number> {
  const series = openSeries(store, id, "metrics");
  await series.poll();
  return series.list().reduce((sum, { count }) => sum + count, 0);
}

async function readManifest(zip: Zip): Promise<ArchiveManifest> {
  if (!zip.has(ARCHIVE_MANIFEST)) throw cannotImport(zip.file, `it has no ${ARCHIVE_MANIFEST}, so it is no archive of ours or was cut off`);
  let value: unknown;
  try {
    value = parseJson(await zip.text(ARCHIVE_MANIFEST, MAX_MANIFEST_BYTES));
  } catch (error) {
    throw error instanceof TrainyardError ? error : cannotImport(zip.file, `${ARCHIVE_MANIFEST}: ${messageOf(error)}`, error);
  }
  const parsed = ArchiveManifest.safeParse(value);
  const issue = parsed.error?.issues[0];
  if (!parsed.success)
    throw cannotImport(
      zip.file,
      `${ARCHIVE_MANIFEST}: ${issue === undefined ? "another shape" : `${issue.path.join(".")}: ${issue.message}`}`,
    );
  if (parsed.data.runs.length === 0) throw cannotImport(zip.file, "it holds no run");
  if (new Set(parsed.data.runs.map(({ id }) => id)).size < parsed.data.runs.length) throw cannotImport(zip.file, "it holds a run twice");
  return parsed.data;
}

/** @throws TrainyardError disk_full, before anything is written */
async function checkRoom(file: string, manifest: ArchiveManifest, root: string): Promise<void> {
  const needed = manifest.runs.flatMap(({ files }) => files).reduce((sum, { bytes }) => sum + bytes, 0);
  const { bavail, bsize } = await statfs(root);
  if (needed <= bavail * bsize) return;
  const message = `${file} holds ${needed} bytes, and ${bavail * bsize} are free on the disk of ${root}`;
  throw new TrainyardError("disk_full", message, "Free some space, then try again.");
}

/** Fills an empty folder with a run: its files, folders without any, at last its links. The list says what; the zip has to hold it all. */
async function unpack(zip: Zip, run: ArchivedRun, folder: string): Promise<void> {
  const prefix = `${archivedFolder(run)}/`;
  const listed = new Set<string>();
  const take = (file: string, isFolder = false): string => {
    const name = prefix + archivedName(file) + (isFolder ? "/" : "");
    if (!isPlainPath(file) || listed.has(name)) throw cannotImport(zip.file, `${name} is no path that a run folder may hold once`);
    if (!zip.has(name)) throw cannotImport(zip.file, `${name} is listed, and not there`);
    listed.add(name);
    return name;
  };
  for (const file of run.files) await unpackFile(zip, take(file.path), file, path.join(folder, file.path));
  for (const each of run.folders) {
    take(each, true);
    await makeFolder(zip.file, path.join(folder, each));
  }
  for (const { path: link } of run.links) take(link);
  for (const name of zip.names())
    if (name.startsWith(prefix) && !listed.has(name)) throw cannotImport(zip.file, `${name} is there, and not listed`);
  await makeLinks(zip.file, folder, run.links);
}

async function unpackFile(zip: Zip, entry: string, { path: name, bytes, sha256, modified }: ArchivedFile, place: string): Promise<void> {
  await makeFolder(zip.file, path.dirname(place));
  const hash = createHash("sha256");
  let read = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of zip.read(entry)) {
      hash.update(piece);
      read += piece.length;
      // What the list does not count must not fill the disk.
      if (read > bytes) return;
      yield piece;
    }
  };
  try {
    await pipeline(counted, createWriteStream(place, { flags: "wx" }));
    await utimes(place, modified / 1000, modified / 1000);
  } catch (error) {
    if (error instanceof TrainyardError) throw error;
    throw fromSystem(error) ? writeError(error, `write ${place}`, place) : cannotImport(zip.file, `${name}: ${messageOf(error)}`, error);
  }
  if (read !== bytes || hash.digest("hex") !== sha256) throw cannotImport(zip.file, `${name} is damaged: it is not what was exported`);
}

/** Links are made when all files are there: none is written through one. */
async function makeLinks(archive: string, folder: string, links: ArchivedRun["links"]): Promise<void> {
  const root = await realpath(folder);
  for (const { path: place, target } of links) {
    await makeFolder(archive, path.join(root, path.dirname(place)));
    await symlink(target, path.join(root, place)).catch((error: unknown) => {
      throw cannotImport(archive, `the link ${place} cannot be made: ${messageOf(error)}`, error);
    });
  }
  for (const { path: place, target } of links) {
    // Where it leads through the others; one that leads nowhere yet is judged by its words.
    const end = await realpath(path.join(root, place)).catch(() => path.resolve(root, path.dirname(place), target));
    if (relativeInside(root, end) === null) throw cannotImport(archive, `the link ${place} leads out of the run folder`);
  }
}

async function makeFolder(archive: string, folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw fromSystem(error) ? writeError(error, `make ${folder}`, folder) : cannotImport(archive, messageOf(error), error);
  }
}

/** Is it the disk that refuses? What two entries of an archive do to each other (a file in the place of a folder) is the archive's fault. */
function fromSystem(error: unknown): boolean {
  const code = systemCode(error) ?? "";
  return /^E[A-Z]+$/.test(code) && !["EEXIST", "ENOTDIR", "EISDIR", "ENAMETOOLONG"].includes(code);
}

/** Relative, and of names alone. */
function isPlainPath(file: string): boolean {
  return file.length <= 4096 && file.split("/").every((part) => part !== "" && part !== "." && part !== ".." && !part.includes("\0"));
}
