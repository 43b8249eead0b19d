/** The one sentence for a file that cannot be imported. */
import { TrainyardError } from "../../protocol/errors.ts";

/** @param what is wrong in the file, and where */
export function cannotImport(file: string, what: string, cause?: unknown): TrainyardError {
  return new TrainyardError("bad_request", `${file} cannot be imported: ${what}`, "Export the run again.", [], { cause });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
