/** Reads a *.run.yaml document: its values, the spec, and each problem with its place in the text. Pure. */
import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type Node, type Pair, type YAMLMap } from "yaml";
import { TrainyardError, type Problem } from "../errors.ts";
import { JsonObject } from "../json.ts";
import { isTooDeep, MAX_JSON_DEPTH } from "../parse-json.ts";
import { RunSpec } from "../spec.ts";

/** Half-open range of characters. */
export type TextRange = readonly [number, number];

export interface PlacedProblem {
  readonly problem: Problem;
  readonly range: TextRange | null;
}

export interface RunDocumentReading {
  /** What the document says, known or not; null when it is not YAML or not a mapping. */
  readonly values: JsonObject | null;
  /** null when the values are not those of a run document. */
  readonly spec: RunSpec | null;
  readonly problems: readonly PlacedProblem[];
  /** The place of the deepest part of a dotted field that is there: a key, or an item of a list. */
  readonly locate: (field: string) => TextRange | null;
}

/** The one way in which run documents are parsed: merge keys (`<<: *defaults`) count. */
export function parseYaml(text: string): Document.Parsed {
  return parseDocument(text, { merge: true, prettyErrors: true });
}

const TOO_DEEP = `it is nested more than ${MAX_JSON_DEPTH} levels deep`;

/** The parser goes down into a document by recursion. @returns null for one that is too deep for it */
function parseShallow(text: string): Document.Parsed | null {
  try {
    return parseYaml(text);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

export function readRunDocument(text: string): RunDocumentReading {
  const document = parseShallow(text);
  if (document === null) return { values: null, spec: null, problems: [placed("", TOO_DEEP, null)], locate: () => null };
  const locate = (field: string): TextRange | null => rangeOf(document, field);
  // The place is said by the range.
  const broken = document.errors.map(({ message, pos }) => placed("", firstLine(message).replace(/ at line \d+, column \d+:?$/, ""), pos));
  if (broken.length > 0) return { values: null, spec: null, problems: broken, locate };
  const plain = plainValues(document);
  if (!plain.ok) return { values: null, spec: null, problems: [placed("", plain.problem, null)], locate };
  const parsed = RunSpec.safeParse(withoutNotes(plain.values));
  if (parsed.success) return { values: plain.values, spec: parsed.data, problems: [], locate };
  const problems = parsed.error.issues.flatMap((issue) => {
    // An unknown key is marked at the key itself, not at the map that holds it.
    const fields = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    return fields.map((path) => {
      const field = path.map(String).join(".");
      const message = issue.code === "unrecognized_keys" ? `${field} is not a field of a run file` : issue.message;
      return placed(field, message, locate(field));
    });
  });
  return { values: plain.values, spec: null, problems, locate };
}

/** Keys that begin with `x-` are the user's own, for notes and for values that anchors share; a run takes nothing from them. */
function withoutNotes(values: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !key.startsWith("x-")));
}

type PlainValues = { readonly ok: true; readonly values: JsonObject } | { readonly ok: false; readonly problem: string };

/**
 * What the text says, with its aliases resolved.
 * @throws TrainyardError invalid_spec: an anchor stands in itself, or is expanded without end
 */
export function plainContent(document: Document.Parsed): unknown {
  let plain: unknown;
  try {
    plain = document.toJS();
  } catch (error) {
    throw new TrainyardError("invalid_spec", firstLine(error instanceof Error ? error.message : String(error)), "Name fewer aliases.");
  }
  try {
    JSON.stringify(plain);
  } catch {
    throw new TrainyardError("invalid_spec", "an anchor stands in what it names", "Take the alias inside of it out.");
  }
  return plain;
}

function plainValues(document: Document.Parsed): PlainValues {
  let raw: unknown;
  try {
    raw = plainContent(document) ?? {};
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
  if (isTooDeep(raw)) return { ok: false, problem: TOO_DEEP };
  const values = JsonObject.safeParse(raw);
  return values.success
    ? { ok: true, values: values.data }
    : { ok: false, problem: "a run file is a mapping of fields, each with a value of JSON" };
}

function placed(field: string, message: string, range: TextRange | null): PlacedProblem {
  return { problem: { severity: "error", field, message, hint: null }, range };
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? text;
}

/** The pair of a key, by the key's text. */
export function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
}

function rangeOf(document: Document.Parsed, field: string): TextRange | null {
  let node: unknown = document.contents;
  let found: TextRange | null = null;
  for (const key of field.split(".")) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = pairOf(node, key);
      if (pair === undefined) break;
      found = textRange(pair.key as Node) ?? found;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      found = textRange(node as Node | undefined) ?? found;
    } else break;
  }
  return found;
}

/** @param file as it is named in the message */
export function notADocument(file: string, text: string, { problems }: RunDocumentReading): TrainyardError {
  const placed = problems.map(({ problem, range }) =>
    range === null ? problem : { ...problem, message: `line ${lineAt(text, range[0])}: ${problem.message}` },
  );
  return new TrainyardError("invalid_spec", `${file} is not a valid run document: ${placed[0]?.message ?? ""}`, null, placed);
}

/** The line of a place in a text, counted from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

function textRange(node: Node | undefined): TextRange | null {
  return node?.range == null ? null : [node.range[0], node.range[1]];
}
