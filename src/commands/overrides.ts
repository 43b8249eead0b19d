/** Overridden params as they are typed into one line: `learning_rate=1e-4 max_steps=200 target_modules=[q_proj, v_proj]`. Pure. */
import { parse } from "yaml";
import { JsonValue } from "../../protocol/json.ts";

export type Overrides =
  { readonly ok: true; readonly params: Record<string, JsonValue> } | { readonly ok: false; readonly problem: string };

// A value ends where the next `key=` begins, so that lists and quoted text may hold spaces.
const ASSIGNMENT = /([A-Za-z_][\w.-]*)=(.*?)(?=\s+[A-Za-z_][\w.-]*=|$)/gs;

export function parseOverrides(line: string): Overrides {
  const text = line.trim();
  if (text === "") return { ok: true, params: {} };
  const params: Record<string, JsonValue> = {};
  let end = 0;
  for (const match of text.matchAll(ASSIGNMENT)) {
    if (text.slice(end, match.index).trim() !== "") break;
    const [whole, key = "", value = ""] = match;
    if (value.trim() === "") return { ok: false, problem: `${key} has no value` };
    params[key] = parseValue(value.trim());
    end = match.index + whole.length;
  }
  if (text.slice(end).trim() !== "") return { ok: false, problem: `“${text.slice(end).trim()}” is not of the form name=value` };
  return { ok: true, params };
}

/** The line that `parseOverrides` reads as these params: values as JSON, which YAML reads too. */
export function formatParams(params: Readonly<Record<string, JsonValue>>): string {
  // An assignment inside a text would be taken for the next param.
  return Object.entries(params)
    .map(([key, value]) => `${key}=${JSON.stringify(value).replaceAll("=", "\\u003d")}`)
    .join(" ");
}

function parseValue(text: string): JsonValue {
  try {
    // `1e-4` is text in YAML 1.2's core schema only when it has no dot or sign rule; numbers first, so that it never is.
    if (text !== "" && Number.isFinite(Number(text))) return Number(text);
    const value = JsonValue.safeParse(parse(text));
    return value.success ? value.data : text;
  } catch {
    return text;
  }
}
