/** What the server program has to say: on stderr, or in a file when it was started detached. */
import { renameSync, statSync } from "node:fs";
import { writeWholeSync } from "./store/open-file.ts";

export interface ServerLog {
  /** One entry, with its time. */
  readonly write: (text: string) => void;
  /** One line as it is. */
  readonly raw: (line: string) => void;
}

const MAX_BYTES = 5 * 1024 * 1024;

/** @param file null = stderr */
export function openLog(file: string | null): ServerLog {
  if (file !== null) rotate(file);
  const raw = (line: string): void => {
    // Written at once: the last words of a process that dies must be in it.
    try {
      if (file === null) process.stderr.write(`${line}\n`);
      else writeWholeSync(file, `${line}\n`, "append");
    } catch {
      // A log that cannot be written must not end the server.
    }
  };
  return {
    raw,
    write: (text) => {
      raw(`${new Date().toISOString()} ${text}`);
    },
  };
}

/** Keeps one older file. */
function rotate(file: string): void {
  try {
    if (statSync(file).size > MAX_BYTES) renameSync(file, `${file}.1`);
  } catch {
    // Not there yet.
  }
}
