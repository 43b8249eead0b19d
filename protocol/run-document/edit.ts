/**
 * Edits of a run document by field. Everything else in the text stays: comments, order, anchors, keys that nobody knows. An edit is first
 * tried on the text itself (splice.ts), which touches the one line it means; the result counts only if it reads as it should. What the
 * splice does not know how to do is done on the nodes, and the document is written anew by the YAML library, comments and anchors included.
 */
import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  Lexer,
  type Node,
  type Pair,
  visit,
  YAMLMap,
} from "yaml";
import * as z from "zod";
import { TrainyardError } from "../errors.ts";
import { JsonValue } from "../json.ts";
import { pairOf, parseYaml, plainContent } from "./read.ts";
import { spliceEdit } from "./splice.ts";

/** A field by its path of keys; without a value it is taken out. */
export const SpecEdit = z.object({ path: z.array(z.string()).min(1).max(20), value: JsonValue.optional() });
export type SpecEdit = z.infer<typeof SpecEdit>;

/**
 * The text after the edits, in their order. An edit that changes nothing leaves the text as it is, to the character.
 * @throws TrainyardError invalid_spec when the text is not YAML, or when a field lies below something that has no fields
 */
export function applySpecEdits(text: string, edits: readonly SpecEdit[]): string {
  return edits.reduce(applyEdit, text);
}

function applyEdit(text: string, edit: SpecEdit): string {
  const before = parseYaml(text);
  const [broken] = before.errors;
  if (broken !== undefined)
    throw new TrainyardError(
      "invalid_spec",
      `the document cannot be edited: ${broken.message.split("\n")[0] ?? ""}`,
      "Correct it as text first.",
    );
  if (same(valueAt(plainContent(before), edit.path), edit.value)) return text;
  const wanted = parseYaml(text);
  editNodes(wanted, edit);
  const expected: unknown = wanted.toJS();
  const spliced = spliceEdit(text, before, edit);
  const after = spliced !== null && readsAs(spliced, expected) ? spliced : wanted.toString({ lineWidth: 0 });
  const whole = withComments(after, lostComments(text, after), edit.path);
  return text.includes("\r\n") ? whole.replace(/\r?\n/g, "\r\n") : whole;
}

/** Comments of a value that gave way to another: they stay, in lines before the key, and the user decides. */
function withComments(text: string, lost: readonly string[], path: readonly string[]): string {
  if (lost.length === 0) return text;
  const document = parseYaml(text);
  let [at, indent] = [text.length, ""];
  let node: unknown = document.contents;
  for (const key of path) {
    const pair = isMap(node) ? pairOf(node, key) : undefined;
    const start = (pair?.key as Node | undefined)?.range?.[0];
    if (start === undefined) break;
    const line = text.lastIndexOf("\n", start - 1) + 1;
    if (text.slice(line, start).trim() === "") [at, indent] = [line, text.slice(line, start)];
    node = pair?.value;
  }
  return text.slice(0, at) + lost.map((comment) => `${indent}${comment}\n`).join("") + text.slice(at);
}

function lostComments(before: string, after: string): string[] {
  const kept = commentsOf(after);
  return commentsOf(before).filter((comment) => {
    const index = kept.indexOf(comment);
    if (index !== -1) kept.splice(index, 1);
    return index === -1;
  });
}

/** The text of each comment, from its `#`. */
function commentsOf(text: string): string[] {
  const tokens = [...new Lexer().lex(text)];
  // What follows a unit separator is the text of a scalar, whatever it begins with.
  return tokens.filter((token, index) => token.startsWith("#") && tokens[index - 1] !== "\u001f").map((token) => token.trimEnd());
}

function readsAs(text: string, expected: unknown): boolean {
  const document = parseYaml(text);
  try {
    return document.errors.length === 0 && same(document.toJS(), expected);
  } catch {
    // An alias has lost its anchor.
    return false;
  }
}

function valueAt(plain: unknown, path: readonly string[]): unknown {
  let value = plain;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}

/** Equal as JSON, whatever the order of keys. */
function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([x], [y]) => (x < y ? -1 : 1)))
      : part,
  );
}

/** The edit on the nodes of a document. Values that an alias elsewhere still needs are kept there. */
function editNodes(document: Document.Parsed, { path, value }: SpecEdit): void {
  const last = path.at(-1) ?? "";
  const map = mapAt(document, path.slice(0, -1), value !== undefined);
  if (map === null) return;
  const pair = pairOf(map, last);
  if (value === undefined) {
    if (pair === undefined) return;
    map.items.splice(map.items.indexOf(pair), 1);
    keepAnchored(document, pair);
    return;
  }
  if (pair === undefined) {
    map.items.push(document.createPair(last, value));
    return;
  }
  setPair(document, pair, value);
}

function setPair(document: Document.Parsed, pair: Pair, value: JsonValue): void {
  const old = pair.value;
  if (isScalar(old) && (typeof value !== "object" || value === null)) {
    old.value = value;
    // The text it was written with is that of the old value.
    delete old.source;
    delete old.format;
    return;
  }
  if (isSeq(old) && Array.isArray(value)) {
    setItems(document, old.items, value);
    return;
  }
  const node = document.createNode(value);
  if (isNode(old) && isNode(node)) {
    node.comment = old.comment ?? null;
    node.commentBefore = old.commentBefore ?? null;
    if (!isAlias(old) && !isAlias(node) && old.anchor !== undefined) node.anchor = old.anchor;
  }
  pair.value = node;
  if (isNode(old)) keepAnchored(document, old);
}

/** Only the items that differ are made anew, so that the comments of the others stay. */
function setItems(document: Document.Parsed, items: unknown[], values: readonly JsonValue[]): void {
  const plain = items.map((item) => (isNode(item) ? (item.toJS(document) as unknown) : item));
  let start = 0;
  while (start < values.length && start < plain.length && same(plain[start], values[start])) start++;
  let end = 0;
  while (end < values.length - start && end < plain.length - start && same(plain.at(-1 - end), values.at(-1 - end))) end++;
  const fresh = values.slice(start, values.length - end).map((value) => document.createNode(value));
  const gone = items.splice(start, items.length - start - end, ...fresh);
  for (const item of gone) if (isNode(item)) keepAnchored(document, item);
}

/** The map at a path. An alias on the way becomes a map of its own that merges what it stood for. */
function mapAt(document: Document.Parsed, path: readonly string[], create: boolean): YAMLMap | null {
  let parent: YAMLMap | null = null;
  let key = "";
  let node: unknown = document.contents;
  for (let depth = 0; ; depth++) {
    if (isAlias(node) && isMap(node.resolve(document)) && parent !== null) {
      if (!create) return null;
      node = mergedCopy(document, node);
      parent.set(key, node);
    }
    if (node === null || node === undefined || (isScalar(node) && node.value === null)) {
      if (!create) return null;
      node = emptyMap(document, parent, key);
    }
    if (!isMap(node))
      throw new TrainyardError(
        "invalid_spec",
        `${path.slice(0, depth).join(".") || "the document"} is not a mapping`,
        "Correct it as text first.",
      );
    const next = path[depth];
    if (next === undefined) return node;
    parent = node;
    key = next;
    node = pairOf(node, next)?.value;
  }
}

function emptyMap(document: Document.Parsed, parent: YAMLMap | null, key: string): YAMLMap {
  const made = new YAMLMap(document.schema);
  const pair = parent === null ? undefined : pairOf(parent, key);
  if (parent === null) (document as Document).contents = made;
  else if (pair === undefined) parent.items.push(document.createPair(key, made));
  else pair.value = made;
  return made;
}

function mergedCopy(document: Document.Parsed, alias: Alias): YAMLMap {
  const copy = new YAMLMap(document.schema);
  copy.items.push(document.createPair("<<", alias));
  return copy;
}

/** Anchors that go with a removed node, but which aliases still name: the first alias takes the node's place. */
function keepAnchored(document: Document.Parsed, removed: Node | Pair): void {
  const anchored = new Map<string, Node>();
  visit(removed as Node, (_, node) => {
    if ((isScalar(node) || isCollection(node)) && node.anchor !== undefined) anchored.set(node.anchor, node);
  });
  for (const [anchor, node] of anchored) {
    let placed = false;
    visit(document, (_, other) => {
      if ((isScalar(other) || isCollection(other)) && other.anchor === anchor) placed = true;
      if (placed || !isAlias(other) || other.source !== anchor) return undefined;
      placed = true;
      return node;
    });
  }
}
