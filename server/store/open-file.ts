/**
 * Opening files that others made, and those of the server's own folder, where others can put things as well. Where a file should be may lie
 * anything: opening a pipe waits for its other end, and with it one of the few threads that read files for the whole server, or all of it; a
 * device has no end. So nothing is waited for, and what is no file is refused.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, writeFileSync, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { LEFT_AS_IS } from "./fs-errors.ts";

const { O_RDONLY, O_RDWR, O_APPEND, O_CREAT, O_TRUNC, O_NONBLOCK } = constants;
/**
 * What a file is opened for. `O_NONBLOCK` means nothing of files; Windows does not know it. What is written is opened for reading too: a pipe
 * that nobody reads cannot be opened for writing alone, and what it is could not be told.
 */
const FLAGS = {
  read: O_RDONLY | O_NONBLOCK,
  /** At its end; made where it is not there. */
  append: O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK,
  /** Anew. */
  write: O_RDWR | O_CREAT | O_TRUNC | O_NONBLOCK,
} as const;
type Purpose = keyof typeof FLAGS;
/** Of a file that is made: for its owner alone. */
const MODE = 0o600;

/** An open file, to be read unless said. @throws TrainyardError corrupt_record (it is something else), or an Error of the system */
export async function openFile(file: string, purpose: Purpose = "read"): Promise<FileHandle> {
  const handle = await open(file, FLAGS[purpose], MODE);
  try {
    refuseOthers(await handle.stat(), file);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The whole text of a file. @throws TrainyardError corrupt_record (it is something else), or an Error of the system */
export async function readWholeText(file: string): Promise<string> {
  const handle = await openFile(file);
  try {
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

/** As {@link openFile}, at once. @returns a descriptor that the caller closes */
export function openFileSync(file: string, purpose: Purpose = "read"): number {
  const descriptor = openSync(file, FLAGS[purpose], MODE);
  try {
    refuseOthers(fstatSync(descriptor), file);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** All that a file holds, at once. @throws TrainyardError corrupt_record (it is something else), or an Error of the system */
export function readWholeSync(file: string): Buffer {
  const descriptor = openFileSync(file);
  try {
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Writes a file, at once: anew, or at its end. @throws TrainyardError corrupt_record (it is something else), or an Error of the system */
export function writeWholeSync(file: string, content: string | Uint8Array, purpose: "write" | "append" = "write"): void {
  const descriptor = openFileSync(file, purpose);
  try {
    writeFileSync(descriptor, content);
  } finally {
    closeSync(descriptor);
  }
}

/** @throws TrainyardError corrupt_record */
export function refuseOthers(stats: Stats, file: string): void {
  if (stats.isFile()) return;
  const found = stats.isDirectory() ? "a folder" : stats.isFIFO() ? "a pipe" : "a device";
  throw new TrainyardError("corrupt_record", `${file} is ${found}, not a file`, LEFT_AS_IS);
}
