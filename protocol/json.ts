/** JSON values as they stand in the run folder. NaN and infinities are written as the strings below, never as bare words. */
import * as z from "zod";

export const JsonValue = z.json();
export type JsonValue = z.infer<typeof JsonValue>;

export const JsonObject = z.record(z.string(), JsonValue);
export type JsonObject = z.infer<typeof JsonObject>;

/** An instant, RFC 3339 in UTC with milliseconds: `2026-01-31T12:00:00.123Z`. */
export const Instant = z.iso.datetime({ offset: true });
export type Instant = z.infer<typeof Instant>;

/** A number that may be NaN or infinite; JSON has no word for those, so they travel as strings. */
export const WireNumber = z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity"])]);
export type WireNumber = z.infer<typeof WireNumber>;
