/** JSON to the letter as the Python SDK writes it (python/trainyard/_json.py): a run's files do not tell which of the two wrote them. */

const MAX_TEXT = 10_000;
const MAX_DEPTH = 8;
const MAX_ITEMS = 1_000;

/** Whole words only, so that `eos_token`, `max_tokens` and `tokenizer` stay. */
const SECRET =
  /^token\n?$|(^|[_\-.])((hub|hf|api|auth|access|bearer|secret|session|wandb)[_-]?token|passw(or)?d|secret|(api|access|private|secret)[_-]?key|credentials?)\n?$/iu;

/** JSON with numbers as texts, since JavaScript has one kind of number where the files have two. */
export type Json = null | boolean | string | NumberText | readonly Json[] | ReadonlyMap<string, Json>;
export class NumberText {
  constructor(readonly text: string) {}
}

/** A float as Python's `repr` has it: the shortest digits that read back as the same number. @param value finite */
export function floatText(value: number): string {
  if (Object.is(value, -0)) return "-0.0";
  const [digits = "", power = "0"] = value
    .toExponential()
    .replace("-", value < 0 ? "" : "-")
    .split("e");
  const exponent = Number(power);
  const sign = value < 0 ? "-" : "";
  if (exponent < -4 || exponent >= 16) return `${sign}${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  const plain = digits.replace(".", "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${plain}`;
  const whole = plain.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${plain.slice(exponent + 1) || "0"}`;
}

/** A number that is always a float; NaN and infinities as strings. */
export function float(value: number): Json {
  return Number.isFinite(value) ? new NumberText(floatText(value)) : String(value);
}

/** A whole number. */
export function integer(value: number): Json {
  return new NumberText(String(value));
}

export function object(fields: Readonly<Record<string, Json>>): ReadonlyMap<string, Json> {
  return new Map(Object.entries(fields));
}

/** Text as files take it: what is no character becomes "?". */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "?");
}

/** The first characters, counted as Python counts them. */
export function cut(text: string, most: number = MAX_TEXT): string {
  return text.length <= most ? text : Array.from(text).slice(0, most).join("");
}

/** Any value as JSON: numbers, text, lists and objects as they are, everything else as its text. Long, deep and huge ones are cut. */
export function toJson(value: unknown, depth = 0): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean") return value;
  if (typeof value === "string") return cut(value);
  if (typeof value === "bigint") return value > -(2n ** 53n) && value < 2n ** 53n ? new NumberText(String(value)) : String(value);
  if (typeof value === "number") return Number.isSafeInteger(value) && !Object.is(value, -0) ? integer(value) : float(value);
  if (typeof value !== "object" || value instanceof Date || depth >= MAX_DEPTH) return cut(textOf(value));
  if (Array.isArray(value) || value instanceof Set || ArrayBuffer.isView(value))
    return [...(value as Iterable<unknown>)].slice(0, MAX_ITEMS).map((item) => toJson(item, depth + 1));
  return jsonObject(value, depth + 1);
}

/** What looks like a secret by its name is replaced by `<redacted>`. */
export function jsonObject(values: object, depth = 0): ReadonlyMap<string, Json> {
  const entries: readonly (readonly [unknown, unknown])[] = values instanceof Map ? [...values] : Object.entries(values);
  const out = new Map<string, Json>();
  for (const [key, value] of entries.slice(0, MAX_ITEMS)) {
    const name = String(key);
    const empty = value === null || value === undefined || value === "" || value === false || value === 0;
    out.set(name, SECRET.test(name) && !empty ? "<redacted>" : toJson(value, depth));
  }
  return out;
}

/** One line, without spaces. */
export function line(value: Json): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (value instanceof NumberText) return value.text;
  if (typeof value === "string") return JSON.stringify(wellFormed(value));
  if (isList(value)) return `[${value.map(line).join(",")}]`;
  return `{${[...value].map(([name, item]) => `${JSON.stringify(wellFormed(name))}:${line(item)}`).join(",")}}`;
}

function isList(value: readonly Json[] | ReadonlyMap<string, Json>): value is readonly Json[] {
  return Array.isArray(value);
}

/** Any value as a text for people. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (typeof value === "object") return JSON.stringify(value);
  return typeof value === "symbol" ? value.toString() : `${value as number}`;
}
