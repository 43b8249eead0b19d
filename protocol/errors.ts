/** Errors that cross a boundary: a stable code for programs, a sentence for people, and what to do next. */
import * as z from "zod";
import { JsonValue } from "./json.ts";
import { ERROR_CODES, type ErrorBody, type FixRecord, type ProblemRecord } from "./trainyard-error.ts";

export { HTTP_STATUS, TrainyardError } from "./trainyard-error.ts";

export const ErrorCode = z.enum(ERROR_CODES);
export type ErrorCode = z.infer<typeof ErrorCode>;

/** A change of one value in the document that cures a problem. */
export const Fix = z.object({
  /** Dotted path in the spec: `params.save_steps`, `python`. */
  path: z.string(),
  value: JsonValue,
  /** What it does, for a button: `Set save_steps to 200`. */
  label: z.string(),
}) satisfies z.ZodType<FixRecord>;
export type Fix = z.infer<typeof Fix>;

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
  /** Changes each of which cures it by itself, the smallest first. */
  fixes: z.array(Fix).optional(),
}) satisfies z.ZodType<ProblemRecord>;
export type Problem = z.infer<typeof Problem>;

export const ApiError = z.object({
  error: z.object({
    code: ErrorCode,
    message: z.string(),
    /** What to do next, as a sentence. */
    hint: z.string().nullable(),
    problems: z.array(Problem),
  }),
}) satisfies z.ZodType<ErrorBody>;
export type ApiError = z.infer<typeof ApiError>;
