/** Files that a run produced: listed within bounds, handed out only from where they may come from. */
import { readdir, realpath, stat } from "node:fs/promises";
import type { Stats } from "node:fs";
import path from "node:path";
import type { Artifact, ArtifactKind } from "../../protocol/artifact.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { ReportRecord } from "../../protocol/report.ts";
import { isAbsent, unreadable } from "./fs-errors.ts";
import type { RunPaths } from "./types.ts";

export type ReportedArtifact = Extract<ReportRecord, { type: "artifact" }>;

/** A run that writes more files than this is listed up to here. */
const MAX_ENTRIES = 5000;
const MAX_DEPTH = 12;

const KIND_BY_NAME: readonly (readonly [RegExp, ArtifactKind])[] = [
  [/(^|\/)events\.out\.tfevents\./, "tensorboard"],
  [/(^|\/)checkpoint-\d+(\/|$)|\.ckpt$/, "checkpoint"],
  [/(^|\/)predictions?[^/]*$/, "predictions"],
  [/(^|\/)eval[^/]*\.(json|jsonl|csv|txt)$/, "evaluation"],
  [/\.(safetensors|gguf|onnx|pt|pth|bin)$/, "model"],
  [/\.(ya?ml|toml|ini)$|(^|\/)[^/]*config[^/]*\.json$/, "config"],
];

/**
 * Everything below `artifacts/`, and what was reported from elsewhere. Files each; folders directly in `artifacts/` and reported ones as
 * entries of their own with the size of what is in them. Sorted by path.
 */
export async function listArtifacts(paths: RunPaths, reports: readonly ReportedArtifact[]): Promise<Artifact[]> {
  const entries = new Map<string, Artifact>();
  // An empty list would say that there is nothing.
  await walk(paths.artifacts, "", 0, entries, (error) => {
    const problem = unreadable(error);
    if (problem !== null) throw problem;
  });
  for (const report of reports) {
    const absolute = path.resolve(paths.dir, report.path);
    const inside = relativeInside(paths.artifacts, absolute);
    if (inside === "") continue;
    const shown = inside ?? absolute;
    const known = entries.get(shown) ?? (await describe(absolute, shown));
    if (known !== null) entries.set(shown, { ...known, name: report.name, kind: report.kind, metadata: report.metadata });
  }
  return [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/**
 * The real path of an artifact's file, safe to open and read.
 * @param file inside `artifacts/`; or absolute: in `artifacts/`, in `checkpoints/`, or reported by the run (the file, or a folder around it)
 * @throws TrainyardError forbidden | not_found
 */
export async function resolveArtifact(paths: RunPaths, file: string, reported: readonly string[]): Promise<string> {
  if (file === "" || hasControlCharacters(file)) throw refused(file, "the name holds control characters or is empty");
  const absolute = path.resolve(paths.artifacts, file);
  const roots = path.isAbsolute(file)
    ? [paths.artifacts, paths.checkpoints, ...reported.map((p) => path.resolve(paths.dir, p))]
    : [paths.artifacts];
  const holding = roots.filter((root) => relativeInside(root, absolute) !== null);
  if (holding.length === 0) throw refused(file, "it lies outside of what this run produced");

  const real = await realpath(absolute).catch((error: unknown) => {
    if (isAbsent(error)) throw missing(file);
    const problem = unreadable(error);
    if (problem !== null) throw problem;
    throw refused(file, "its path cannot be followed");
  });
  const realRoots = await Promise.all(holding.map((root) => realpath(root).catch(() => null)));
  if (!realRoots.some((root) => root !== null && relativeInside(root, real) !== null))
    throw refused(file, "a link leads out of the run's folder");
  const stats = await stat(real).catch(() => null);
  if (stats === null) throw missing(file);
  if (stats.isDirectory()) throw new TrainyardError("not_found", `${file} is a folder, not a file`, "Ask for a file inside it.");
  if (!stats.isFile()) throw refused(file, "it is a device, a socket or a pipe");
  return real;
}

/** Path of `file` below `folder` with "/" between its parts; "" for the folder itself; null when it lies elsewhere. */
export function relativeInside(folder: string, file: string): string | null {
  const relative = path.relative(folder, file);
  if (relative === ".." || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)) return null;
  return path.sep === "/" ? relative : relative.split(path.sep).join("/");
}

function hasControlCharacters(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

function refused(file: string, why: string): TrainyardError {
  return new TrainyardError(
    "forbidden",
    `${JSON.stringify(file)} is not handed out: ${why}`,
    "Ask for a path that the list of artifacts shows.",
  );
}

function missing(file: string): TrainyardError {
  return new TrainyardError("not_found", `there is no artifact ${JSON.stringify(file)}`, "Refresh the list of artifacts.");
}

/** Adds what lies in a folder, breadth first within it; links are not followed. @returns bytes of the files below */
/** @param onProblem is told why the folder itself cannot be read; what lies in it and cannot be read is passed over */
async function walk(
  folder: string,
  prefix: string,
  depth: number,
  entries: Map<string, Artifact>,
  onProblem: (error: unknown) => void = () => undefined,
): Promise<number> {
  const found = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    onProblem(error);
    return [];
  });
  let bytes = 0;
  for (const entry of found) {
    if (entries.size >= MAX_ENTRIES) break;
    const absolute = path.join(folder, entry.name);
    const shown = prefix + entry.name;
    if (hasControlCharacters(entry.name)) continue;
    if (entry.isDirectory()) {
      if (depth >= MAX_DEPTH) continue;
      const below = await walk(absolute, `${shown}/`, depth + 1, entries);
      bytes += below;
      const stats = depth === 0 ? await stat(absolute).catch(() => null) : null;
      if (stats !== null) entries.set(shown, artifact(shown, stats, below));
    } else if (entry.isFile()) {
      const stats = await stat(absolute).catch(() => null);
      if (stats === null) continue;
      bytes += stats.size;
      entries.set(shown, artifact(shown, stats, stats.size));
    }
  }
  return bytes;
}

async function describe(absolute: string, shown: string): Promise<Artifact | null> {
  const stats = await stat(absolute).catch(() => null);
  if (stats === null || !(stats.isFile() || stats.isDirectory())) return null;
  const bytes = stats.isFile() ? stats.size : await walk(absolute, "", 0, new Map());
  return artifact(shown, stats, bytes);
}

function artifact(shown: string, stats: Stats, bytes: number): Artifact {
  return {
    path: shown,
    name: path.basename(shown),
    kind: KIND_BY_NAME.find(([pattern]) => pattern.test(shown))?.[1] ?? "other",
    size_bytes: bytes,
    modified_at: stats.mtime.toISOString(),
    is_directory: stats.isDirectory(),
    metadata: {},
  };
}
