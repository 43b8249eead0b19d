/** Every error that reaches the edge becomes an ApiError with its status; nothing internal leaks. */
import type { z } from "zod";
import type { Problem } from "../../protocol/errors.ts";
import { HTTP_STATUS, TrainyardError } from "../../protocol/trainyard-error.ts";
import { outOfFiles, systemCode, unreadable } from "../store/fs-errors.ts";

/** Zod's issues as problems. The field of a spec is named as in the document: `params.learning_rate`, not `spec.params.…`. */
export function problemsOf(error: z.ZodError): Problem[] {
  return error.issues.slice(0, 50).map((issue) => {
    const field = issue.path.map(String).join(".");
    return { severity: "error", field: field.replace(/^spec\./, ""), message: issue.message, hint: null };
  });
}

export function badRequest(part: string, error: z.ZodError): TrainyardError {
  const problems = problemsOf(error);
  const first = problems[0];
  const detail = first === undefined ? "" : `: ${first.field === "" ? "" : `${first.field}: `}${first.message}`;
  return new TrainyardError("bad_request", `the ${part} of the request is not as documented${detail}`, "See docs/api.md.", problems);
}

/** The typed error for anything that was thrown. Unknown ones go to `log` and become `internal`. */
export function toTrainyardError(error: unknown, log: (text: string) => void): TrainyardError {
  if (error instanceof TrainyardError) {
    if (error.code === "internal") log(error.stack ?? error.message);
    return error;
  }
  const known = outOfFiles(error) ?? unreadable(error) ?? impossiblePath(error);
  if (known !== null) return known;
  switch (systemCode(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return new TrainyardError("disk_full", "the disk that holds the store is full", "Free some space and try again.");
    case "EROFS":
      return new TrainyardError("store_unwritable", "the store lies on a read-only file system", "Choose a store that can be written to.");
    default:
      log(error instanceof Error ? (error.stack ?? error.message) : String(error));
      return new TrainyardError("internal", "the server ran into an unexpected error", "Its log says more; please report it.");
  }
}

/** A path with a NUL character names no file, wherever it came from; the system's functions refuse to look. */
function impossiblePath(error: unknown): TrainyardError | null {
  if (systemCode(error) !== "ERR_INVALID_ARG_VALUE" || !(error instanceof Error) || !error.message.includes("null bytes")) return null;
  return new TrainyardError("bad_request", `a path holds a NUL character: ${error.message}`, "Correct the path.");
}

export function errorResponse(error: TrainyardError, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(error.toApi()), {
    status: HTTP_STATUS[error.code],
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store", ...headers },
  });
}
