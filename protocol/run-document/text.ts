/** Places and lines of a YAML text, and values as they are written into it. */
import { type Node, stringify } from "yaml";
import type { JsonValue } from "../json.ts";

export function eol(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

/** Where the line of a position begins. */
export function lineStart(text: string, at: number): number {
  return text.lastIndexOf("\n", at - 1) + 1;
}

/** Where the line of a position ends, before its line break. */
export function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  if (end === -1) return text.length;
  return text[end - 1] === "\r" ? end - 1 : end;
}

/** The column of a node, null when something else stands before it on its line. */
export function indentOf(text: string, node: unknown): string | null {
  const at = startOf(node);
  if (at === null) return null;
  const before = text.slice(lineStart(text, at), at);
  return /^ *$/.test(before) ? before : null;
}

export function startOf(node: unknown): number | null {
  return (node as Node | null)?.range?.[0] ?? null;
}

export function skipBreak(text: string, at: number): number {
  const found = /^\r?\n/.exec(text.slice(at, at + 2));
  return at + (found?.[0].length ?? 0);
}

/** A value on one line. */
export function inline(value: JsonValue): string {
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string" && /[\r\n]/.test(value)) return JSON.stringify(value);
  return stringify(value, { collectionStyle: "flow", flowCollectionPadding: true, lineWidth: 0 }).trimEnd();
}

/** With a point in the mantissa: other readers of YAML take `2e-5` for text. */
function numberText(value: number): string {
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e16) ? value.toExponential() : String(value);
  return text.replace(/^(-?\d+)e\+?/, "$1.0e");
}
