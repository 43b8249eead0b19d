/**
 * The summaries of runs that are over, as they were last read from their folders: so that a server of a hundred thousand runs neither reads all
 * of them at its start nor holds them in memory. An index like the catalogue: it can be deleted, and what it says counts only while the
 * files it was made from are the same.
 *
 * `runs.data` holds summaries as JSON, one after the other; `runs.index` a line per summary, of which the newest of a run counts.
 */
import { createHash } from "node:crypto";
import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readFileSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import path from "node:path";
import type { RunId } from "../../protocol/ids.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { RunState } from "../../protocol/states.ts";
import { isAbsent, unreadable } from "../store/fs-errors.ts";
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
  /** Bytes of the summary in the data file. */
  readonly offset: number;
  readonly length: number;
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
];

/** Counts up with each change of these files, or of what a summary holds. */
const VERSION = 4;
/** More lines than this many times the runs: the files are written anew at the end. */
const MOST_WASTE = 2;

export class RunCache {
  readonly #folder: string;
  readonly #data: number;
  readonly #index: number;
  readonly #runs = new Map<RunId, ColdRun>();
  #size: number;
  #lines = 0;

  private constructor(folder: string, bootId: string) {
    this.#folder = folder;
    const known = readLines(path.join(folder, INDEX_FILE), bootId);
    this.#data = openSync(path.join(folder, DATA_FILE), "a+", 0o600);
    this.#size = fstatSync(this.#data).size;
    this.#index = openSync(path.join(folder, INDEX_FILE), "a", 0o600);
    if (known === null) this.#startOver(bootId);
    else
      for (const line of known) {
        this.#lines++;
        const [id, project, experiment, name, state, begun, attempt, parent, leftQueueAt, run, rest, stamp, offset, length] = line;
        // A run that was forgotten has no bytes.
        if (length === 0) this.#runs.delete(id);
        else if (offset + length <= this.#size)
          this.#runs.set(id, {
            id,
            project,
            experiment,
            name,
            state,
            begun: begun === 1,
            attempt,
            parent,
            leftQueueAt,
            signature: { run, rest },
            stamp,
            offset,
            length,
          });
      }
    if (known !== null) writeSync(this.#index, `${JSON.stringify(["open", VERSION, bootId])}\n`);
  }

  /** @param bootId of the system: after its crash the files may lack what was written last. null when the folder cannot be written. */
  static open(folder: string, bootId: string): RunCache | null {
    try {
      return new RunCache(folder, bootId);
    } catch {
      return null; // A full or read-only disk: everything is read from the folders.
    }
  }

  runs(): IterableIterator<ColdRun> {
    return this.#runs.values();
  }

  /** The run's summary as JSON. */
  text({ offset, length }: ColdRun): string {
    const bytes = Buffer.allocUnsafe(length);
    readSync(this.#data, bytes, 0, length, offset);
    return bytes.toString("utf8");
  }

  /** Keeps a summary. null when there is no room for it. */
  keep(summary: RunSummary, signature: FolderSignature): ColdRun | null {
    const text = JSON.stringify(summary);
    const stamp = stampOf(text);
    const { id, project, experiment, name, state, attempt } = summary;
    const known = this.#runs.get(id);
    if (known?.stamp === stamp && known.signature.run === signature.run && known.signature.rest === signature.rest) return known;
    const bytes = Buffer.from(text);
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
      if (this.#lines > MOST_WASTE * this.#runs.size + 1000) {
        // Made anew by the next server, from the folders: rare, and cheaper than keeping books on the holes.
        rmSync(path.join(this.#folder, INDEX_FILE), { force: true });
      } else writeSync(this.#index, `${JSON.stringify(["closed"])}\n`);
    } catch {
      // The next server takes it for what a crash has left.
    }
    closeSync(this.#data);
    closeSync(this.#index);
  }

  #append({ id, project, experiment, name, state, begun, attempt, parent, leftQueueAt, signature, stamp, offset, length }: ColdRun): void {
    const line: Line = [
      id,
      project,
      experiment,
      name,
      state,
      begun ? 1 : 0,
      attempt,
      parent,
      leftQueueAt,
      signature.run,
      signature.rest,
      stamp,
      offset,
      length,
    ];
    writeSync(this.#index, `${JSON.stringify(line)}\n`);
    this.#lines++;
  }

  #startOver(bootId: string): void {
    ftruncateSync(this.#data);
    ftruncateSync(this.#index);
    this.#size = 0;
    writeSync(this.#index, `${JSON.stringify(["open", VERSION, bootId])}\n`);
  }
}

const DATA_FILE = "runs.data";
const INDEX_FILE = "runs.index";

/** null when the index is not there, of another version, or left by a system that went down before it was closed. */
function readLines(file: string, bootId: string): Line[] | null {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return null;
  }
  const lines: Line[] = [];
  let opened: unknown[] | null = null;
  let closed = false;
  for (let start = 0; start < text.length;) {
    const end = text.indexOf("\n", start);
    if (end < 0) break; // torn
    let line: unknown;
    try {
      line = JSON.parse(text.slice(start, end));
    } catch {
      return null;
    }
    start = end + 1;
    if (!Array.isArray(line)) return null;
    const [kind] = line as unknown[];
    closed = kind === "closed";
    if (kind === "open") opened = line as unknown[];
    // Written by this class in a private folder; the version tells its shape.
    else if (!closed) lines.push(line as Line);
  }
  if (opened?.[1] !== VERSION || (!closed && opened[2] !== bootId)) return null;
  return text.endsWith("\n") || lines.length === 0 ? lines : null;
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
