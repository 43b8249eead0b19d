/** What a run folder says of its own place and state, made true where it was unpacked. Everything else in it stays as it is. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { ArchivedRun } from "../../protocol/archive.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import { RunRecord } from "../../protocol/run.ts";
import { ResolvedSpec } from "../../protocol/spec.ts";
import { relativeInside } from "../store/artifacts.ts";
import { attemptNumbers } from "../store/attempt-numbers.ts";
import { writeFileAtomic, writeJsonAtomic } from "../store/atomic.ts";
import { isAbsent } from "../store/fs-errors.ts";
import { readJsonFile } from "../store/json-file.ts";
import { appendJsonl } from "../store/jsonl.ts";
import { runPaths } from "../store/paths.ts";
import { cannotImport } from "./refused.ts";
import { stateAfterImport, type ImportTarget } from "./write-run.ts";

/** @returns what run.json will say @throws TrainyardError bad_request: it is no whole run folder */
export async function settleFolder(run: ArchivedRun, target: ImportTarget & { readonly id: RunId }): Promise<RunRecord> {
  const { root, folder, id, project, source } = target;
  const paths = runPaths(folder);
  const before = await readRecord(() => readJsonFile(paths.runJson, RunRecord), source.file, run.id);
  if (before?.id !== run.id) throw cannotImport(source.file, `the folder of ${run.id} holds no run.json of that run`);
  const place = runPaths(path.join(root, project, "runs", id));
  const resolved = await readRecord(() => readJsonFile(paths.resolvedJson, ResolvedSpec), source.file, run.id);
  if (resolved !== null) {
    const dirs = { run_dir: place.dir, checkpoint_dir: place.checkpoints, artifact_dir: place.artifacts };
    await writeJsonAtomic(paths.resolvedJson, { ...resolved, run: id, ...dirs });
  }
  for (const attempt of await attemptNumbers(paths)) await makeRelative(paths.attempt(attempt).reportJsonl, run.folder);
  // A draft has not begun: nothing of it went on elsewhere.
  const after = before.state === "draft" ? { state: before.state } : stateAfterImport(before);
  if (after.state !== before.state) {
    const evidence = { file: source.file, run: run.id };
    const change = { from: before.state, to: after.state, attempt: before.attempt, cause: "import", evidence };
    await appendJsonl(paths.eventsJsonl, { type: "state", time: source.imported_at, ...change });
  }
  return { ...before, ...after, id, project, imported: source };
}

/** A damaged file is named by its place in the archive, not by where it was unpacked. */
async function readRecord<T>(read: () => Promise<T>, archive: string, run: string): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TrainyardError && error.code === "corrupt_record")
      throw cannotImport(archive, `${run}: ${error.message.replace(/^\S+\/(?=[^/\s]+ )/, "")}`, error);
    throw error;
  }
}

/** The SDK reports checkpoints and artifacts by absolute paths; those in the folder are told from it on, wherever it lies. */
async function makeRelative(report: string, formerly: string): Promise<void> {
  let text: string;
  try {
    text = await readFile(report, "utf8");
  } catch (error) {
    if (isAbsent(error)) return;
    throw error;
  }
  const lines = text.split("\n").map((line) => {
    if (!line.includes(formerly)) return line;
    try {
      const record = JSON.parse(line) as { type?: unknown; path?: unknown };
      const inside = typeof record.path === "string" && path.isAbsolute(record.path) ? relativeInside(formerly, record.path) : null;
      return inside === null ? line : JSON.stringify({ ...record, path: inside });
    } catch {
      return line; // Torn, as a crash left it.
    }
  });
  const after = lines.join("\n");
  if (after !== text) await writeFileAtomic(report, after);
}
