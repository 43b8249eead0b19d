/** Numbers in query strings, which are text. */
import * as z from "zod";

/** As people write numbers: no hex, no spaces, and no number at all is not 0. */
const DECIMAL = /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

export const decimal = z.number({ error: notDecimal });

/** A number of a query string, in a shape such as `decimal.int().min(1)`. Callers within the project may give the number itself. */
export function queryNumber(shape: z.ZodNumber) {
  return z.preprocess((value) => (typeof value === "string" && DECIMAL.test(value) ? Number(value) + 0 : value), shape);
}

/** A whole number of a query string. */
export function queryInt(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  return queryNumber(decimal.int().min(min).max(max));
}

/** Of what stands there instead of a number; other faults of a number have words of their own. */
function notDecimal({ input }: { readonly input?: unknown }): string | undefined {
  return typeof input === "string" ? `a number in decimal digits is needed, not ${JSON.stringify(input.slice(0, 100))}` : undefined;
}
