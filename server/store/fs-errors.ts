/** File system errors, told in the words of the store. */
import { statfsSync } from "node:fs";
import path from "node:path";
import { TrainyardError } from "../../protocol/trainyard-error.ts";

/** The system's error code (`ENOENT`), or null for anything that is not a system error. */
export function systemCode(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

/** Is the file, or a folder on the way to it, simply not there? */
export function isAbsent(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** May this place not be written at all, whoever tries again? */
export function isUnwritable(error: unknown): boolean {
  const code = systemCode(error);
  return code === "EROFS" || code === "EACCES" || code === "EPERM";
}

/**
 * The TrainyardError for "too many open files", null for any other error. Nothing is wrong with the file that was to be opened: it must be
 * taken neither for missing nor for damaged.
 */
export function outOfFiles(error: unknown): TrainyardError | null {
  const code = systemCode(error);
  if (code !== "EMFILE" && code !== "ENFILE") return null;
  const whose = code === "EMFILE" ? "the run server has" : "the machine has";
  return new TrainyardError(
    "unavailable",
    `${whose} as many files open as it may (${code})`,
    "Raise the limit (ulimit -n) and start the run server again, or close some windows. Runs go on meanwhile.",
    [],
    { cause: error },
  );
}

/** What to do about a file of a run that is something else. */
export const LEFT_AS_IS = "It is left as it is: repair it by hand, or move the run folder away, then refresh.";

/** What the system says of a thing that is there and is no file or folder: a link to itself, a folder where a file should be, a socket. */
const OTHER_KINDS: ReadonlySet<string> = new Set(["ELOOP", "EISDIR", "ENAMETOOLONG", "ENXIO", "ENODEV"]);

/** The TrainyardError for something that cannot be opened because of what it is; null for any other error. */
function otherKind(error: unknown, place: string): TrainyardError | null {
  const code = systemCode(error) ?? "";
  if (!OTHER_KINDS.has(code)) return null;
  return new TrainyardError(
    "corrupt_record",
    `${place} is not the file or folder that it should be (${code === "ELOOP" ? "a link that leads to itself" : code})`,
    LEFT_AS_IS,
    [],
    { cause: error },
  );
}

/** The TrainyardError for what may not be read, what the disk does not give, and what is of the wrong kind; null for any other error. */
export function unreadable(error: unknown): TrainyardError | null {
  const code = systemCode(error) ?? "";
  const place = typeof error === "object" && error !== null && "path" in error && typeof error.path === "string" ? error.path : "a file";
  if (code === "EACCES" || code === "EPERM")
    return new TrainyardError(
      "forbidden",
      `the run server may not read ${place}: permission denied`,
      "Give the user that the server runs as the right to read it, then try again.",
      [],
      { cause: error },
    );
  if (code === "EIO" || code === "ESTALE")
    return new TrainyardError(
      "unavailable",
      `the disk does not give ${place} (${code})`,
      "Check the disk or the network mount, then try again.",
      [],
      { cause: error },
    );
  return otherKind(error, place);
}

/**
 * The TrainyardError for a failed write.
 * @param what the deed that failed, as a sentence's end: `write /store/run.json`
 * @param place the file or folder that was to be written: says which disk is full
 */
export function writeError(error: unknown, what: string, place: string): TrainyardError {
  if (error instanceof TrainyardError) return error;
  const shortage = outOfFiles(error);
  if (shortage !== null) return shortage;
  const code = systemCode(error);
  const cause = { cause: error };
  if (code === "ENOSPC" || code === "EDQUOT")
    return new TrainyardError("disk_full", `cannot ${what}: the disk is full`, roomHint(place), [], cause);
  if (isUnwritable(error))
    return new TrainyardError(
      "store_unwritable",
      `cannot ${what}: ${code === "EROFS" ? "the disk is read-only" : "permission denied"}`,
      "Choose a store in a folder that you may write (setting trainyard.store, or --store).",
      [],
      cause,
    );
  const wrong = otherKind(error, place);
  if (wrong !== null) return wrong;
  if (code === "ENOTDIR" || code === "EEXIST" || code === "ENOENT")
    return new TrainyardError(
      "corrupt_record",
      `cannot ${what}: where a folder should be lies ${code === "ENOENT" ? "nothing, or a link that leads nowhere" : "something else"}`,
      "Move away what lies there, then try again.",
      [],
      cause,
    );
  return new TrainyardError(
    "internal",
    `cannot ${what}: ${error instanceof Error ? error.message : String(error)}`,
    "Try again; if it stays so, check the disk that holds the store.",
    [],
    cause,
  );
}

/** Which disk it is and how much of it is free. What is not there yet is on the disk of the folder above it. */
function roomHint(place: string): string {
  for (let folder = path.dirname(place); ; folder = path.dirname(folder)) {
    try {
      const { bavail, blocks, bsize } = statfsSync(folder);
      return `${bytesText(bavail * bsize)} of ${bytesText(blocks * bsize)} are free on the disk that holds ${folder}. Free some space, then try again.`;
    } catch {
      if (folder === path.dirname(folder)) return "Free some space, then try again.";
    }
  }
}

function bytesText(bytes: number): string {
  const unit = Math.min(4, bytes < 1024 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return unit === 0 ? `${bytes} B` : `${(bytes / 1024 ** unit).toFixed(1)} ${["KiB", "MiB", "GiB", "TiB"][unit - 1] ?? ""}`;
}
