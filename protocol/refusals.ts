/** What a request about many things refused for some of them, as one error. */
import { TrainyardError, type ErrorBody } from "./trainyard-error.ts";

/** @throws TrainyardError the first refusal, and how many more there were */
export function mustAll(failed: readonly ErrorBody[]): void {
  const first = failed[0]?.error;
  if (first === undefined) return;
  const more = failed.length === 1 ? "" : ` (and ${String(failed.length - 1)} more refused)`;
  throw TrainyardError.fromApi({ error: { ...first, message: `${first.message}${more}` } });
}
