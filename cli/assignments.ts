/** `--set key=value` and `--env KEY=VALUE`. */
import { parse } from "yaml";
import { TrainyardError } from "../protocol/errors.ts";
import { JsonValue } from "../protocol/json.ts";

/** Splits at the first "=". @throws TrainyardError bad_request */
function splitAssignment(text: string, option: string): [string, string] {
  const at = text.indexOf("=");
  if (at <= 0)
    throw new TrainyardError("bad_request", `${option} ${text} is not of the form key=value`, `For example: ${option} learning_rate=1e-4`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/**
 * Param overrides. A value is read as YAML (`1e-4`, `true`, `[q_proj, v_proj]`) and is text when it is none; a leading `params.` is dropped.
 * @throws TrainyardError bad_request
 */
export function parseParams(assignments: readonly string[]): Record<string, JsonValue> {
  return Object.fromEntries(
    assignments.map((assignment) => {
      const [key, text] = splitAssignment(assignment, "--set");
      return [key.replace(/^params\./, ""), parseValue(text)];
    }),
  );
}

/** @throws TrainyardError bad_request */
export function parseEnvironment(assignments: readonly string[], option = "--env"): Record<string, string> {
  return Object.fromEntries(assignments.map((assignment) => splitAssignment(assignment, option)));
}

function parseValue(text: string): JsonValue {
  try {
    const value = JsonValue.safeParse(parse(text));
    return value.success ? value.data : text;
  } catch {
    return text;
  }
}
