/** Edits inside of `{ … }`: JSON is such a document. What is on lines of its own stays on them. */
import { isAlias, isCollection, isScalar, type Node, type Pair, type YAMLMap } from "yaml";
import type { JsonValue } from "../json.ts";
import { eol, indentOf, inline, lineEnd, lineStart, skipBreak, startOf } from "./text.ts";

/**
 * @param pair the one of the first key of `path`
 * @param path from the key in the map to the field
 */
export function spliceFlow(
  text: string,
  map: YAMLMap,
  pair: Pair | undefined,
  path: readonly string[],
  value: JsonValue | undefined,
): string | null {
  if (pair === undefined) return value === undefined ? null : insert(text, map, path, value);
  if (path.length > 1) return null;
  return value === undefined ? take(text, map, pair) : replace(text, pair, value);
}

function replace(text: string, pair: Pair, value: JsonValue): string | null {
  const old = pair.value as Node | null;
  if (old?.range == null || !(isScalar(old) || isAlias(old) || isCollection(old)) || old.range[0] === old.range[1]) return null;
  return text.slice(0, old.range[0]) + written(value, isQuoted(pair)) + text.slice(old.range[1]);
}

/** After the last pair, on a line of its own where that one has one. */
function insert(text: string, map: YAMLMap, path: readonly string[], value: JsonValue): string | null {
  const last = map.items.at(-1);
  const end = (last?.value as Node | null | undefined)?.range?.[1];
  if (last === undefined || end === undefined) return null;
  const [key = "", ...below] = path;
  const whole = below.reduceRight<JsonValue>((inner, name) => ({ [name]: inner }), value);
  const quoted = isQuoted(last);
  const entry = `${written(key, quoted)}: ${written(whole, quoted)}`;
  const comma = /^[ \t]*,/.exec(text.slice(end));
  const indent = indentOf(text, last.key);
  const stop = lineEnd(text, end);
  // What stands between the value and the end of its line belongs to the value: a comma, a comment.
  const rest = text.slice(end + (comma?.[0].length ?? 0), stop).trim();
  if (indent === null || !(rest === "" || rest.startsWith("#"))) return `${text.slice(0, end)}, ${entry}${text.slice(end)}`;
  const closed = comma === null ? `${text.slice(0, end)},${text.slice(end, stop)}` : text.slice(0, stop);
  return closed + eol(text) + indent + entry + (comma === null ? "" : ",") + text.slice(stop);
}

/** The line of a pair that has one for itself; its comment stays. */
function take(text: string, map: YAMLMap, pair: Pair): string | null {
  const indent = indentOf(text, pair.key);
  const start = startOf(pair.key);
  const end = (pair.value as Node | null)?.range?.[1];
  // A comma after the last pair is YAML, but not JSON.
  if (indent === null || start === null || end === undefined || map.items.at(-1) === pair) return null;
  const stop = lineEnd(text, end);
  const rest = /^[ \t]*,[ \t]*(#.*)?$/.exec(text.slice(end, stop));
  if (rest === null || text.slice(start, end).includes("#")) return null;
  const kept = rest[1] === undefined ? "" : `${indent}${rest[1]}${eol(text)}`;
  return text.slice(0, lineStart(text, start)) + kept + text.slice(skipBreak(text, stop));
}

/** Is it written as JSON is? */
function isQuoted(pair: Pair): boolean {
  return isScalar(pair.key) && pair.key.type === "QUOTE_DOUBLE";
}

function written(value: JsonValue, quoted: boolean): string {
  if (quoted) return JSON.stringify(value);
  // As an item of a list: brackets and commas then need quotes.
  return typeof value === "string" ? inline([value]).replace(/^\[\s*|\s*\]$/g, "") : inline(value);
}
