import { TrainyardError } from "../../protocol/errors.ts";
import { JsonValue, type JsonObject } from "../../protocol/json.ts";

/**
 * Reads `key=value` lines. A value that is JSON (a number, true, a list) is taken as such, anything else as text.
 * @throws TrainyardError bad_request naming the line
 */
export function parseOverrides(text: string): JsonObject {
  const params: JsonObject = {};
  for (const [index, line] of text.split("\n").entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const at = trimmed.indexOf("=");
    if (at <= 0)
      throw new TrainyardError(
        "bad_request",
        `line ${String(index + 1)} is not key=value: ${trimmed}`,
        "Write for example learning_rate=1e-4.",
      );
    params[trimmed.slice(0, at).trim()] = parseValue(trimmed.slice(at + 1).trim());
  }
  return params;
}

function parseValue(text: string): JsonValue {
  // JSON has no `1e-4` problem, but refuses `.5` and `5.`; numbers are read as people write them.
  if (text !== "" && Number.isFinite(Number(text))) return Number(text);
  try {
    return JsonValue.parse(JSON.parse(text));
  } catch {
    return text;
  }
}
