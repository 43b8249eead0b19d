/**
 * The summaries of runs that are over, as they were last read from their folders: so that a server of a hundred thousand runs neither reads all
 * of them at its start nor holds them in memory. An index like the catalogue: it can be deleted, and what it says counts only while the
 * files it was made from are the same.
 *
 * `runs.data` holds of each run, as JSON, what lists show of it and then its summary: a list reads the one of thousands. `runs.index` has a line for
 * each, of which the newest of a run counts.
 */
import { createHash } from "node:crypto";
import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, readSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import path from "node:path";
import type { RunId } from "../../protocol/ids.ts";
import { lineOf } from "../../protocol/line-of-run.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { RunState } from "../../protocol/states.ts";
import { isAbsent, unreadable } from "../store/fs-errors.ts";
import { openFileSync, readWholeSync } from "../store/open-file.ts";
import type { RunPaths } from "../store/types.ts";

/** What is known of a run that is not in memory. */
export interface ColdRun {
  readonly id: RunId;
  readonly project: string;
  readonly experiment: string | null;
  readonly name: string;
  readonly state: RunState;
  /** Has an attempt of it started? */
  readonly begun: boolean;
  readonly attempt: number;
  /** The run that it was forked from. */
  readonly parent: RunId | null;
  /** When it left the queue; null when it never waited there. */
  readonly leftQueueAt: string | null;
  readonly signature: FolderSignature;
  /** Differs between different summaries of the run. */
  readonly stamp: string;
  /** Bytes of both in the data file, those of the line for lists first. */
  readonly offset: number;
  readonly length: number;
  readonly lineLength: number;
}

/** Changes when the files do that a summary is made from. */
export interface FolderSignature {
  /** Of run.json, as the store's index has it. */
  readonly run: string;
  /** Of the rest. */
  readonly rest: string;
}

type Line = [
  id: RunId,
  project: string,
  experiment: string | null,
  name: string,
  state: RunState,
  begun: 0 | 1,
  attempt: number,
  parent: RunId | null,
  leftQueueAt: string | null,
  run: string,
  rest: string,
  stamp: string,
  offset: number,
  length: number,
  lineLength: number,
];

/** Counts up with each change of these files, or of what a summary or a line for lists holds. */
const VERSION = 5;
/** Beyond this many times what counts, a file is written anew at the end. The index is read whole at the start; of the data only what is asked for. */
const MOST_LINES = 1.25;
const MOST_BYTES = 2;
const COPY_BYTES = 4 * 1024 * 1024;

export class RunCache {
  readonly #folder: string;
  readonly #data: number;
  readonly #index: number;
  readonly #runs = new Map<RunId, ColdRun>();
  readonly #bootId: string;
  readonly #texts = new Map<string, string>();
  #size: number;
  #lines = 0;

  private constructor(folder: string, bootId: string) {
    this.#folder = folder;
    this.#bootId = bootId;
    const known = this.#readIndex(path.join(folder, INDEX_FILE), bootId);
    this.#index = openFileSync(path.join(folder, INDEX_FILE), "append");
    try {
      this.#data = openFileSync(path.join(folder, DATA_FILE), "append");
    } catch (error) {
      closeSync(this.#index);
      throw error;
    }
    this.#size = fstatSync(this.#data).size;
    if (!known) this.#startOver();
    for (const run of this.#runs.values()) if (run.offset + run.length > this.#size) this.#runs.delete(run.id);
    writeSync(this.#index, openLine(bootId));
  }

  /** @param bootId of the system: after its crash the files may lack what was written last. null when the folder cannot be written. */
  static open(folder: string, bootId: string): RunCache | null {
    try {
      return new RunCache(folder, bootId);
    } catch {
      return null; // A full or read-only disk, or what lies there is no file: everything is read from the folders.
    }
  }

  runs(): IterableIterator<ColdRun> {
    return this.#runs.values();
  }

  /** The run's summary as JSON. */
  text({ offset, length, lineLength }: ColdRun): string {
    return this.#bytes(offset + lineLength, length - lineLength).toString("utf8");
  }

  /** What lists show of it, as JSON. */
  line({ offset, lineLength }: ColdRun): string {
    return this.#bytes(offset, lineLength).toString("utf8");
  }

  #bytes(offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    readSync(this.#data, bytes, 0, length, offset);
    return bytes;
  }

  /** Keeps a summary. null when there is no room for it. */
  keep(summary: RunSummary, signature: FolderSignature): ColdRun | null {
    const text = JSON.stringify(summary);
    const stamp = stampOf(text);
    const { id, project, experiment, name, state, attempt } = summary;
    const known = this.#runs.get(id);
    if (known?.stamp === stamp && known.signature.run === signature.run && known.signature.rest === signature.rest) return known;
    const line = Buffer.from(JSON.stringify(lineOf(summary)));
    const bytes = Buffer.concat([line, Buffer.from(text)]);
    const begun = summary.started_at !== null || (state !== "draft" && state !== "queued");
    const run: ColdRun = {
      id,
      project,
      experiment,
      name,
      state,
      begun,
      attempt,
      parent: summary.parent?.run ?? null,
      leftQueueAt: summary.queue?.left_at ?? null,
      signature,
      stamp,
      offset: this.#size,
      length: bytes.length,
      lineLength: line.length,
    };
    try {
      // The data first: a line that is there must not tell of bytes that are not.
      const written = writeSync(this.#data, bytes);
      this.#size += written;
      if (written < bytes.length) return null;
      this.#append(run);
    } catch {
      return null;
    }
    this.#runs.set(id, run);
    return run;
  }

  forget(id: RunId): void {
    const run = this.#runs.get(id);
    if (run === undefined) return;
    this.#runs.delete(id);
    try {
      this.#append({ ...run, length: 0 });
    } catch {
      // Without the line the next server finds that the folder is gone.
    }
  }

  close(): void {
    try {
      fdatasyncSync(this.#data);
      if (this.#lines <= MOST_LINES * this.#runs.size + 1000) writeSync(this.#index, CLOSED_LINE);
      else this.#rewrite();
    } catch {
      // The next server takes it for what a crash has left.
      for (const name of [DATA_FILE, INDEX_FILE]) rmSync(path.join(this.#folder, `${name}.tmp`), { force: true, recursive: true });
    }
    closeSync(this.#data);
    closeSync(this.#index);
  }

  /** Leaves out the lines that count no more and, where they are most of it, the summaries that they tell of. */
  #rewrite(): void {
    const data = path.join(this.#folder, DATA_FILE);
    const index = path.join(this.#folder, INDEX_FILE);
    let used = 0;
    for (const { length } of this.#runs.values()) used += length;
    const moved = this.#size > MOST_BYTES * used + COPY_BYTES;
    const runs = moved ? this.#copyData(`${data}.tmp`) : [...this.#runs.values()];
    const file = openFileSync(`${index}.tmp`, "write");
    try {
      writeSync(file, openLine(this.#bootId));
      for (let start = 0; start < runs.length; start += 1000)
        writeSync(
          file,
          runs
            .slice(start, start + 1000)
            .map(indexLine)
            .join(""),
        );
      writeSync(file, CLOSED_LINE);
      fdatasyncSync(file);
    } finally {
      closeSync(file);
    }
    if (moved) {
      // In between there is no index: one must never tell of another file's bytes.
      rmSync(index);
      renameSync(`${data}.tmp`, data);
    }
    renameSync(`${index}.tmp`, index);
  }

  /** @returns the runs with their places in the new file */
  #copyData(to: string): ColdRun[] {
    const file = openFileSync(to, "write");
    const moved: ColdRun[] = [];
    try {
      let offset = 0;
      let parts: Buffer[] = [];
      let waiting = 0;
      for (const run of this.#runs.values()) {
        parts.push(this.#bytes(run.offset, run.length));
        moved.push({ ...run, offset });
        offset += run.length;
        waiting += run.length;
        if (waiting < COPY_BYTES) continue;
        writeSync(file, Buffer.concat(parts));
        parts = [];
        waiting = 0;
      }
      writeSync(file, Buffer.concat(parts));
      fdatasyncSync(file);
    } finally {
      closeSync(file);
    }
    return moved;
  }

  #append(run: ColdRun): void {
    writeSync(this.#index, indexLine(run));
    this.#lines++;
  }

  #startOver(): void {
    ftruncateSync(this.#data);
    ftruncateSync(this.#index);
    this.#runs.clear();
    this.#size = this.#lines = 0;
  }

  /** False when the index is not there, of another version, or left by a system that went down before it was closed. */
  #readIndex(file: string, bootId: string): boolean {
    let text: string;
    try {
      text = readWholeSync(file).toString("utf8");
    } catch {
      return false;
    }
    let opened: unknown[] | null = null;
    let closed = false;
    for (let start = 0; start < text.length;) {
      const end = text.indexOf("\n", start);
      if (end < 0) break; // torn
      let line: unknown;
      try {
        line = JSON.parse(text.slice(start, end));
      } catch {
        return false;
      }
      start = end + 1;
      if (!Array.isArray(line)) return false;
      const [kind] = line as unknown[];
      closed = kind === "closed";
      if (kind === "open") opened = line as unknown[];
      // Written by this class in a private folder; the version tells its shape.
      else if (!closed) this.#take(line as Line);
    }
    const isCurrent = opened?.[1] === VERSION && (closed || opened[2] === bootId);
    return isCurrent && (text.endsWith("\n") || this.#lines === 0);
  }

  /** One text for all that are equal: every line brings its own. */
  #same<T extends string>(text: T): T {
    const known = this.#texts.get(text);
    if (known !== undefined) return known as T;
    this.#texts.set(text, text);
    return text;
  }

  #take([
    id,
    project,
    experiment,
    name,
    state,
    begun,
    attempt,
    parent,
    leftQueueAt,
    run,
    rest,
    stamp,
    offset,
    length,
    lineLength,
  ]: Line): void {
    this.#lines++;
    // A run that was forgotten has no bytes.
    if (length === 0) this.#runs.delete(id);
    else
      this.#runs.set(id, {
        id,
        project: this.#same(project),
        experiment: experiment === null ? null : this.#same(experiment),
        name,
        state: this.#same(state),
        begun: begun === 1,
        attempt,
        parent,
        leftQueueAt,
        signature: { run, rest },
        stamp,
        offset,
        length,
        lineLength,
      });
  }
}

const DATA_FILE = "runs.data";
const INDEX_FILE = "runs.index";

const CLOSED_LINE = `${JSON.stringify(["closed"])}\n`;

function openLine(bootId: string): string {
  return `${JSON.stringify(["open", VERSION, bootId])}\n`;
}

function indexLine(of: ColdRun): string {
  const { id, project, experiment, name, state, begun, attempt, parent, leftQueueAt, signature, stamp, offset, length, lineLength } = of;
  const whatItIs = [id, project, experiment, name, state, begun ? 1 : 0, attempt, parent, leftQueueAt] as const;
  const line: Line = [...whatItIs, signature.run, signature.rest, stamp, offset, length, lineLength];
  return `${JSON.stringify(line)}\n`;
}

/** Differs between different summaries. @param text of one, as JSON */
export function stampOf(text: string): string {
  return createHash("sha1").update(text).digest("base64url").slice(0, 16);
}

/** Of the folder as it is now. @param attempt the newest */
export function folderSignature(paths: RunPaths, attempt: number): FolderSignature {
  const { metrics, reportJsonl } = paths.attempt(attempt);
  const rest = [paths.resolvedJson, paths.attempts, paths.checkpoints, metrics, reportJsonl].map(stateOf).join("|");
  return { run: stateOf(paths.runJson), rest: createHash("sha1").update(rest).digest("base64url").slice(0, 12) };
}

/** As store/run-index.ts tells it. */
function stateOf(file: string): string {
  let found;
  try {
    found = statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    // A file stands where a folder on the way to it should be.
    if (isAbsent(error)) return "";
    if (unreadable(error) === null) throw error;
    return "unreadable";
  }
  return found === undefined ? "" : `${String(found.ino)} ${String(found.size)} ${String(found.mtimeMs)} ${String(found.ctimeMs)}`;
}
