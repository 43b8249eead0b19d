/** Checks by hand of what is read before the server's port is open; a test holds them against the schemas in protocol/. */
import type { ProcessIdentity } from "../../protocol/run.ts";

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isProcessIdentity(value: unknown): value is ProcessIdentity {
  if (!isObject(value)) return false;
  const { pid, start_time: startTime, boot_id: bootId } = value;
  return Number.isSafeInteger(pid) && Number(pid) > 0 && typeof startTime === "string" && typeof bootId === "string";
}

/** An instant as protocol/json.ts has it: RFC 3339 with a zone. */
export function isInstant(value: unknown): value is string {
  return (
    typeof value === "string" &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(value) &&
    !Number.isNaN(Date.parse(value))
  );
}
