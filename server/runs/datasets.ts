/**
 * What the datasets of a run are at the moment: size, time and a fingerprint of samples. It costs the same for a kilobyte and a terabyte,
 * ends after a fixed time (a network mount may hang), and never keeps a run from starting.
 */
import { createHash, type Hash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { DatasetState } from "../../protocol/dataset.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { openFile } from "../store/open-file.ts";

const TIME_LIMIT_MS = 1500;
const BLOCK_BYTES = 64 * 1024;
/** Blocks of one file, spread evenly from its first byte to its last; a smaller file is read whole. */
const BLOCKS = 16;
/** Of a folder: so many files are counted, and so many of them, spread evenly, are sampled. */
const MOST_FILES = 10_000;
const SAMPLED_FILES = 64;

interface FoundFile {
  readonly name: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** @param cwd what relative paths refer to */
export async function datasetStates(recipe: Recipe, params: JsonObject, cwd: string, timeLimitMs = TIME_LIMIT_MS): Promise<DatasetState[]> {
  const named = Object.entries(recipe.schema.properties).flatMap(([param, field]) => {
    const holds = field["x-path"]?.holds;
    const value = params[param];
    if ((holds !== "dataset" && holds !== "candles") || value === undefined) return [];
    return (Array.isArray(value) ? value : [value]).flatMap((entry) =>
      typeof entry === "string" && entry !== "" ? [{ param, path: path.resolve(cwd, entry) }] : [],
    );
  });
  if (named.length === 0) return [];
  const deadline = Date.now() + timeLimitMs;
  // All at once: a path that hangs takes only its own entry with it. One that is not there may be the name of a dataset on a hub.
  const states = await Promise.all(named.map((one) => within(datasetState(one.param, one.path, deadline), timeLimitMs)));
  return states.filter((state) => state !== null);
}

async function datasetState(param: string, place: string, deadline: number): Promise<DatasetState | null> {
  try {
    const info = await stat(place);
    const kind = info.isDirectory() ? "folder" : "file";
    if (kind === "file" && !info.isFile()) return null;
    const { files, complete } =
      kind === "folder"
        ? await filesIn(place, deadline)
        : { files: [{ name: "", bytes: info.size, modifiedMs: info.mtimeMs }], complete: true };
    const newest = files.reduce((most, file) => Math.max(most, file.modifiedMs), -Infinity);
    return {
      param,
      path: place,
      kind,
      files: files.length,
      bytes: files.reduce((sum, file) => sum + file.bytes, 0),
      modified: Number.isFinite(newest) ? new Date(newest).toISOString() : null,
      fingerprint: complete ? await fingerprint(place, files, deadline) : null,
      complete,
    };
  } catch {
    return null;
  }
}

/** Breadth first, by name, so that the same folder is always walked the same way. Hidden files are caches and locks; links may lead in a circle. */
async function filesIn(folder: string, deadline: number): Promise<{ files: FoundFile[]; complete: boolean }> {
  const files: FoundFile[] = [];
  const folders = [""];
  for (let relative = folders.shift(); relative !== undefined; relative = folders.shift()) {
    const entries = await readdir(path.join(folder, relative), { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries.filter(({ name }) => !name.startsWith("."))) {
      const name = relative === "" ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) folders.push(name);
      else {
        const info = await stat(path.join(folder, name)).catch(() => null);
        if (info?.isFile() === true) files.push({ name, bytes: info.size, modifiedMs: info.mtimeMs });
      }
      if (files.length >= MOST_FILES || Date.now() > deadline) return { files, complete: false };
    }
  }
  return { files, complete: true };
}

async function fingerprint(place: string, files: readonly FoundFile[], deadline: number): Promise<string | null> {
  const hash = createHash("sha256");
  for (const { name, bytes } of files) hash.update(`${JSON.stringify(name)} ${String(bytes)}\n`);
  for (const index of spread(files.length, SAMPLED_FILES)) {
    const file = files[index];
    if (file === undefined || !(await addSamples(hash, path.join(place, file.name), file.bytes, deadline))) return null;
  }
  return hash.digest("hex");
}

/** @returns false when time ran out */
async function addSamples(hash: Hash, file: string, bytes: number, deadline: number): Promise<boolean> {
  const handle = await openFile(file);
  try {
    const block = Buffer.alloc(BLOCK_BYTES);
    const whole = bytes <= BLOCKS * BLOCK_BYTES;
    const count = whole ? Math.ceil(bytes / BLOCK_BYTES) : BLOCKS;
    for (let i = 0; i < count; i++) {
      if (Date.now() > deadline) return false;
      const at = whole ? i * BLOCK_BYTES : Math.round((i * (bytes - BLOCK_BYTES)) / (BLOCKS - 1));
      const { bytesRead } = await handle.read(block, 0, BLOCK_BYTES, at);
      hash.update(block.subarray(0, bytesRead));
    }
    return true;
  } finally {
    await handle.close();
  }
}

/** At most `most` of `count` places, the first and the last among them. */
function spread(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / (most - 1)));
}

/** The result, or null when it takes too long: a read of a dead mount cannot be called off, only left behind. */
async function within<T>(work: Promise<T>, ms: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    // A little later than the deadline, at which what is alive gives up by itself.
    timer = setTimeout(resolve, ms + 250, null);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
