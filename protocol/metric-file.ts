/**
 * The metric file (attempts/<n>/metrics.bin, system.bin): append-only, little-endian, every record a multiple of 8 bytes so
 * that a reader lays a Float64Array over it. Documented in docs/run-folder.md; written by python/trainyard and by the server.
 *
 * File header, 16 bytes:  "TYMETRIC" | u32 version = 1 | u32 reserved = 0
 * Record header, 8 bytes: u32 length of the whole record | u16 kind | u16 set
 * SET record (kind 0x5901): defines `set`: u32 count | u32 reserved = 0 | count × (u16 byte length | UTF-8 name), padded with zeros to 8.
 * ROW record (kind 0x5902): f64 time (ms since the epoch) | f64 step | f64 × count values, in the order of the set's names.
 *     length = 24 + 8 × count, which a reader checks.
 * Names that start with "_" are the SDK's own (`_epoch`: a heartbeat that carries the step); charts leave them out.
 */
export const METRIC_MAGIC = "TYMETRIC";
export const METRIC_VERSION = 1;
export const METRIC_FILE_HEADER_BYTES = 16;
export const METRIC_RECORD_HEADER_BYTES = 8;
export const METRIC_KIND_SET = 0x5901;
export const METRIC_KIND_ROW = 0x5902;
/** The set id is a u16. A writer that has used them all writes further rows as single-name sets it already has, or drops and counts. */
export const METRIC_MAX_SETS = 65_535;
