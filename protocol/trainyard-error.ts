/**
 * The error class, apart from the shapes of protocol/errors.ts: the programs that must start fast (the server up to its open port) throw and
 * answer it without loading the schema library.
 */
import type { JsonValue } from "./json.ts";

export const ERROR_CODES = [
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
  "other_store", // the run lies in a store that this server only reads; its own server changes it
  "store_unwritable",
  "disk_full",
  "corrupt_record", // a file of the run folder does not parse; the run is shown as damaged
  "too_large",
  "timeout",
  "unavailable", // no connection to the run server
  "internal",
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** A change of one value in the document. The shape is checked by `Fix` in protocol/errors.ts. */
export interface FixRecord {
  path: string;
  value: JsonValue;
  label: string;
}

/** One thing that is wrong with a document, a field or a machine. The shape is checked by `Problem` in protocol/errors.ts. */
export interface ProblemRecord {
  severity: "error" | "warning" | "info";
  /** Dotted path of the field in the spec (`params.learning_rate`), empty for the whole. */
  field: string;
  message: string;
  /** The smallest change that cures it, as a sentence. */
  hint: string | null;
  /** Characters of the field's text, end exclusive, where the problem lies in an expression. */
  span?: { start: number; end: number } | undefined;
  /** Changes each of which cures it by itself, the smallest first. */
  fixes?: FixRecord[] | undefined;
}

/** The body of an answer that failed. The shape is checked by `ApiError` in protocol/errors.ts. */
export interface ErrorBody {
  error: {
    code: ErrorCode;
    message: string;
    /** What to do next, as a sentence. */
    hint: string | null;
    problems: ProblemRecord[];
  };
}

/** Every instance has it, so that `instanceof` holds between bundles too: each carries its own copy of the class. */
const BRAND = Symbol.for("trainyard.error");

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
  other_store: 409,
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
  readonly [BRAND] = true;
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly hint: string | null = null,
    readonly problems: readonly ProblemRecord[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && BRAND in value;
  }

  toApi(): ErrorBody {
    return { error: { code: this.code, message: this.message, hint: this.hint, problems: [...this.problems] } };
  }

  static fromApi(body: ErrorBody): TrainyardError {
    const { code, message, hint, problems } = body.error;
    return new TrainyardError(code, message, hint, problems);
  }
}
