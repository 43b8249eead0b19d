/** Errors that cross a boundary: a stable code for programs, a sentence for people, and what to do next. */
import * as z from "zod";

export const ErrorCode = z.enum([
  "bad_request", // the request does not have the documented shape
  "unauthorized", // no token or a wrong one
  "forbidden", // Host or Origin refused, or a path that leaves its folder
  "not_found",
  "conflict", // the state of the run does not allow this now
  "invalid_spec", // the spec does not fit the recipe; `problems` says which field
  "unknown_recipe",
  "python_unusable", // no interpreter, or one that lacks a package the recipe needs
  "missing_file",
  "bad_dataset", // a dataset that lacks the needed columns or cannot be read
  "bad_checkpoint", // torn, incomplete, or not a checkpoint
  "store_occupied", // another server owns the store
  "store_unwritable",
  "disk_full",
  "corrupt_record", // a file of the run folder does not parse; the run is shown as damaged
  "too_large",
  "timeout",
  "unavailable", // no connection to the run server
  "internal",
]);
export type ErrorCode = z.infer<typeof ErrorCode>;

/** One thing that is wrong with a document, a field or a machine. */
export const Problem = z.object({
  severity: z.enum(["error", "warning", "info"]),
  /** Dotted path of the field in the spec (`params.learning_rate`), empty for the whole. */
  field: z.string(),
  message: z.string(),
  /** The smallest change that cures it, as a sentence. */
  hint: z.string().nullable(),
  /** Characters of the field's text, end exclusive, where the problem lies in an expression. */
  span: z.object({ start: z.number().int(), end: z.number().int() }).optional(),
});
export type Problem = z.infer<typeof Problem>;

export const ApiError = z.object({
  error: z.object({
    code: ErrorCode,
    message: z.string(),
    /** What to do next, as a sentence. */
    hint: z.string().nullable(),
    problems: z.array(Problem),
  }),
});
export type ApiError = z.infer<typeof ApiError>;

export const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  invalid_spec: 422,
  unknown_recipe: 422,
  python_unusable: 422,
  missing_file: 422,
  bad_dataset: 422,
  bad_checkpoint: 422,
  store_occupied: 409,
  store_unwritable: 507,
  disk_full: 507,
  corrupt_record: 422,
  too_large: 413,
  timeout: 504,
  unavailable: 503,
  internal: 500,
};

/** The one error class that is thrown across rooms and turned into an ApiError at the edge. */
export class TrainyardError extends Error {
  override readonly name = "TrainyardError";
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly hint: string | null = null,
    readonly problems: readonly Problem[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  toApi(): ApiError {
    return { error: { code: this.code, message: this.message, hint: this.hint, problems: [...this.problems] } };
  }

  static fromApi(body: ApiError): TrainyardError {
    const { code, message, hint, problems } = body.error;
    return new TrainyardError(code, message, hint, problems);
  }
}
