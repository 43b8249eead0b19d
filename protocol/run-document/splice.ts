/** Edits a YAML text in place: one value replaced, one line put in or taken out. Answers null where it does not know how; the caller checks the rest. */
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, stringify, type YAMLMap, type YAMLSeq } from "yaml";
import type { JsonValue } from "../json.ts";
import { spliceFlow } from "./splice-flow.ts";
import { eol, indentOf, inline, lineEnd, lineStart, skipBreak, startOf } from "./text.ts";
import { pairOf } from "./read.ts";

/** Where a new key goes when the document lacks it: after those that stand before it here. */
const ORDER = [
  "name",
  "project",
  "experiment",
  "description",
  "tags",
  "recipe",
  "preset",
  "params",
  "sweep",
  "args",
  "python",
  "cwd",
  "env",
  "seed",
];

interface Place {
  readonly map: YAMLMap;
  readonly pair: Pair | undefined;
}

/** @param document the text as it was parsed, unchanged */
export function spliceEdit(
  text: string,
  document: Document.Parsed,
  edit: { readonly path: readonly string[]; readonly value?: JsonValue | undefined },
): string | null {
  const { path, value } = edit;
  const contents: unknown = document.contents;
  if (contents === null)
    return value === undefined ? null : withBlock(text, text.length, renderPath(path, value, "", eol(text)), eol(text));
  if (!isMap(contents)) return null;
  let place: Place = { map: contents, pair: pairOf(contents, path[0] ?? "") };
  let depth = 1;
  for (; depth < path.length && place.pair !== undefined; depth++) {
    const below = place.pair.value;
    if (!isMap(below) || below.items.length === 0) break;
    place = { map: below, pair: pairOf(below, path[depth] ?? "") };
  }
  if (place.map.flow === true) return spliceFlow(text, place.map, place.pair, path.slice(depth - 1), value);
  if (depth < path.length) {
    if (value === undefined) return null;
    // A map that is not there yet comes with the key; an empty one gives way to it.
    if (place.pair === undefined) return insertPair(text, place.map, path.slice(depth - 1), value);
    return isEmpty(place.pair.value) ? replaceEmptyMap(text, place.map, place.pair, path.slice(depth), value) : null;
  }
  if (place.pair === undefined) return value === undefined ? null : insertPair(text, place.map, path.slice(depth - 1), value);
  return value === undefined ? deletePair(text, place.map, place.pair) : replaceValue(text, place.pair, value);
}

function isEmpty(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null) || (isMap(node) && node.items.length === 0);
}

/** The end of the last character of a pair that is not space. */
function endOf(text: string, pair: Pair): number | null {
  const end = (pair.value as Node | null)?.range?.[1] ?? (pair.key as Node | null)?.range?.[1];
  if (end === undefined) return null;
  // A colon with nothing after it ends where the key does.
  const after = /^[ \t]*:/.exec(text.slice(end));
  const from = isScalar(pair.value) && pair.value.range == null && after !== null ? end + after[0].length : end;
  return text.slice(0, from).trimEnd().length;
}

function replaceValue(text: string, pair: Pair, value: JsonValue): string | null {
  const old = pair.value as Node | null;
  const range = old?.range;
  if (range == null) return null;
  if (isSeq(old) && old.flow !== true && Array.isArray(value)) return replaceItems(text, old, value);
  const inPlace = isScalar(old) || isAlias(old) || ((isMap(old) || isSeq(old)) && old.flow === true);
  if (!inPlace) return null;
  const [start, end] = range;
  if (start === end) return `${text.slice(0, start)} ${inline(value)}${text.slice(start)}`;
  const written = text.slice(start, end);
  const tail = /\r?\n[\s]*$/.exec(written)?.[0] ?? "";
  return text.slice(0, start) + inline(value) + tail + text.slice(end);
}

/** Items of a list in lines of their own: those in the middle that differ are taken out and put in. */
function replaceItems(text: string, list: YAMLSeq, values: readonly JsonValue[]): string | null {
  const items = list.items as Node[];
  const plain = items.map((item) => (isScalar(item) ? JSON.stringify(item.value) : null));
  const wanted = values.map((value) => JSON.stringify(value));
  if (plain.includes(null) || items.length === 0 || values.length === 0) return null;
  let start = 0;
  while (start < wanted.length && start < plain.length && plain[start] === wanted[start]) start++;
  let end = 0;
  while (end < wanted.length - start && end < plain.length - start && plain.at(-1 - end) === wanted.at(-1 - end)) end++;
  const lines = items.map((item) => {
    const from = lineStart(text, item.range?.[0] ?? 0);
    const dash = /^( *)- +$/.exec(text.slice(from, item.range?.[0] ?? 0));
    return dash === null
      ? null
      : { from, to: lineEnd(text, item.range?.[1] ?? 0), start: item.range?.[0] ?? 0, end: item.range?.[1] ?? 0, indent: dash[1] ?? "" };
  });
  if (lines.includes(null)) return null;
  const known = lines as NonNullable<(typeof lines)[number]>[];
  const fresh = values.slice(start, values.length - end);
  const gone = known.slice(start, known.length - end);
  let result = text;
  // From the end, so that the places before stay true.
  for (let i = Math.max(gone.length, fresh.length) - 1; i >= 0; i--) {
    const [old, value] = [gone[i], fresh[i]];
    if (old !== undefined && value !== undefined) result = result.slice(0, old.start) + inline(value) + result.slice(old.end);
    else if (old !== undefined) {
      const comment = result.slice(old.end, old.to).trim();
      const kept = comment === "" ? "" : `${old.indent}${comment}${eol(text)}`;
      result = result.slice(0, old.from) + kept + result.slice(skipBreak(result, old.to));
    } else if (value !== undefined) {
      const before = gone.at(-1) ?? known[start - 1];
      const line = `${known[0]?.indent ?? ""}- ${inline(value)}`;
      result =
        before === undefined
          ? result.slice(0, known[0]?.from ?? 0) + line + eol(text) + result.slice(known[0]?.from ?? 0)
          : result.slice(0, before.to) + eol(text) + line + result.slice(before.to);
    }
  }
  return result;
}

/** The line of a pair and what belongs to its value; a comment at the end of it stays, on a line of its own. */
function deletePair(text: string, map: YAMLMap, pair: Pair): string | null {
  const indent = indentOf(text, pair.key);
  const end = endOf(text, pair);
  const at = startOf(pair.key);
  // The last key of a map leaves `{}` behind, which is for the caller to write.
  if (indent === null || end === null || at === null || map.items.length === 1) return null;
  const inner = [...text.slice(at, end).matchAll(/^\s*(#.*?)\r?$/gm)].map((match) => match[1] ?? "");
  const stop = lineEnd(text, end);
  const trailing = text.slice(end, stop).trim();
  const kept = [...inner, ...(trailing === "" ? [] : [trailing])].map((comment) => indent + comment + eol(text)).join("");
  return text.slice(0, lineStart(text, at)) + kept + text.slice(skipBreak(text, stop));
}

function insertPair(text: string, map: YAMLMap, path: readonly string[], value: JsonValue): string | null {
  const indent = indentOf(text, map.items[0]?.key);
  if (indent === null) return null;
  const rank = ORDER.indexOf(path[0] ?? "");
  const ranked = indent === "" && rank !== -1 ? map.items.filter((pair) => rankOf(pair) !== -1) : [];
  const earlier = ranked.filter((pair) => rankOf(pair) < rank).sort((a, b) => rankOf(a) - rankOf(b));
  const before = ranked.length === 0 ? map.items.at(-1) : (earlier.at(-1) ?? null);
  const block = renderPath(path, value, indent, eol(text));
  if (before === null) {
    const first = startOf(map.items[0]?.key);
    return first === null ? null : text.slice(0, lineStart(text, first)) + block + eol(text) + text.slice(lineStart(text, first));
  }
  const end = before === undefined ? null : endOf(text, before);
  return end === null ? null : withBlock(text, lineEnd(text, end), block, eol(text));
}

function rankOf(pair: Pair): number {
  return isScalar(pair.key) ? ORDER.indexOf(String(pair.key.value)) : -1;
}

/** `params:` or `params: {}` becomes a map with one key. */
function replaceEmptyMap(text: string, map: YAMLMap, pair: Pair, path: readonly string[], value: JsonValue): string | null {
  const indent = indentOf(text, map.items[0]?.key);
  const keyEnd = (pair.key as Node | null)?.range?.[1];
  if (indent === null || keyEnd === undefined) return null;
  const colon = text.indexOf(":", keyEnd);
  if (colon === -1) return null;
  // Nothing at all is found where its comment ends.
  const end = isMap(pair.value) ? (pair.value.range?.[1] ?? colon + 1) : colon + 1;
  const rest = text.slice(end, lineEnd(text, end));
  const block = renderPath(path, value, `${indent}  `, eol(text));
  return text.slice(0, colon + 1) + rest.trimEnd() + eol(text) + block + text.slice(lineEnd(text, end));
}

/** Lines put in at the end of a line. */
function withBlock(text: string, at: number, block: string, lineBreak: string): string {
  const fresh = at === 0 || text[at - 1] === "\n";
  return text.slice(0, at) + (fresh ? "" : lineBreak) + block + (at === text.length ? lineBreak : "") + text.slice(at);
}

/** `a: b: value` as nested lines. */
function renderPath(path: readonly string[], value: JsonValue, indent: string, lineBreak: string): string {
  const [key = "", ...rest] = path;
  const name = inline(key);
  if (rest.length > 0) return `${indent}${name}:${lineBreak}${renderPath(rest, value, `${indent}  `, lineBreak)}`;
  if (typeof value === "string" && value.includes("\n")) {
    const block = stringify({ [key]: value }, { lineWidth: 0 })
      .trimEnd()
      .split("\n");
    return block.map((line) => (line === "" ? line : indent + line)).join(lineBreak);
  }
  return `${indent}${name}: ${inline(value)}`;
}
