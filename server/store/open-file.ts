/**
 * Opening files that others made. Where a file should be may lie anything: opening a pipe waits for its writer, and with it one of the few
 * threads that read files for the whole server; a device has no end. So nothing is waited for, and what is no file is refused.
 */
import { closeSync, constants, fstatSync, openSync, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { LEFT_AS_IS } from "./fs-errors.ts";

/** Of files the second one means nothing; Windows does not know it. */
const TO_READ = constants.O_RDONLY | constants.O_NONBLOCK;

/** A file, open for reading. @throws TrainyardError corrupt_record (it is something else), or an Error of the system */
export async function openFile(file: string): Promise<FileHandle> {
  const handle = await open(file, TO_READ);
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
export function openFileSync(file: string): number {
  const descriptor = openSync(file, TO_READ);
  try {
    refuseOthers(fstatSync(descriptor), file);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** @throws TrainyardError corrupt_record */
export function refuseOthers(stats: Stats, file: string): void {
  if (stats.isFile()) return;
  const found = stats.isDirectory() ? "a folder" : stats.isFIFO() ? "a pipe" : "a device";
  throw new TrainyardError("corrupt_record", `${file} is ${found}, not a file`, LEFT_AS_IS);
}
