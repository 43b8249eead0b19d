/** From text to tokens. Every token knows where it stands, so that an error can say so. */
import { TrainyardError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { METRIC_PARTS, NAMESPACES, type MetricPart, type Span } from "./ast.ts";

export type Token = Span &
  (
    | { readonly type: "number"; readonly value: number }
    | { readonly type: "text"; readonly value: string }
    | { readonly type: "field"; readonly value: string }
    /** In lower case: and, or, not, in, like, true, null, names of functions. */
    | { readonly type: "word"; readonly value: string }
    | { readonly type: "symbol"; readonly value: string }
    | { readonly type: "end"; readonly value: "" }
  );

export const MAX_LENGTH = 4000;

const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const SPACE = /\s+/y;
const WORD = /[A-Za-z_]\w*/y;
/** "/" belongs to a name when a name goes on behind it: `metrics.eval/loss`. To divide, write spaces around it. */
const BARE_NAME = /[\p{L}\p{N}_@$#%]+(?:[./][\p{L}\p{N}_@$#%]+)*/uy;
const SYMBOLS = ["!=", "==", "<=", ">=", "!~", "&&", "||", "**", "=", "<", ">", "~", "!", "(", ")", ",", "+", "-", "*", "/", "^", "[", "]"];

/**
 * The error for a place in an expression. The message says where in words, the problem says it for programs.
 * @param what names the text: `filter`, `derived.gap`
 */
export function expressionError(what: string, message: string, span: Span, hint: string | null = null): TrainyardError {
  const text = `${what}: ${message} (at character ${span.start + 1})`;
  return new TrainyardError("bad_request", text, hint ?? "docs/query-language.md has the grammar.", [
    { severity: "error", field: what, message, hint, span: { start: span.start, end: span.end } },
  ]);
}

/** @throws TrainyardError bad_request */
export function tokenize(text: string, what: string): Token[] {
  if (text.length > MAX_LENGTH)
    throw expressionError(what, `it has ${text.length} characters, more than ${MAX_LENGTH}`, { start: MAX_LENGTH, end: text.length });
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? null;
  };
  const fail = (message: string, start: number, hint?: string): TrainyardError =>
    expressionError(what, message, { start, end: Math.min(text.length, Math.max(at, start + 1)) }, hint ?? null);

  function quoted(): string {
    const start = at;
    const quote = text.charAt(at++);
    let value = "";
    for (;;) {
      const character = text.charAt(at++);
      if (character === "") throw fail(`the quote ${quote} is not closed`, start);
      if (character === quote) return value;
      if (character !== "\\") value += character;
      else {
        const escaped = text.charAt(at++);
        const known = { n: "\n", t: "\t", "\\": "\\", '"': '"', "'": "'", "`": "`" }[escaped];
        if (known === undefined) throw fail(`\\${escaped} means nothing`, at - 2, "Write \\\\ for a backslash.");
        value += known;
      }
    }
  }

  function field(namespace: string, start: number): Token {
    at++; // the dot
    let name = "";
    for (;;) {
      name += isQuote(text.charAt(at)) ? quoted() : eat(match(BARE_NAME));
      const next = text.charAt(at + 1);
      // A quoted part may be followed by further ones: params."a b".c
      if (text.charAt(at) !== "." || !(isQuote(next) || /[\p{L}\p{N}_]/u.test(next))) break;
      name += ".";
      at++;
    }
    if (name === "") throw fail(`${namespace}. has no name behind it`, start, `Odd names are quoted: ${namespace}."my name".`);
    const part = metricPart(namespace, start);
    return { type: "field", value: fieldName(namespace, name, part), start, end: at };
  }

  function metricPart(namespace: string, start: number): MetricPart {
    if (namespace !== "metrics" || text.charAt(at) !== ":") return "last";
    at++;
    const part = eat(match(WORD));
    const known = METRIC_PARTS.find((one) => one === part);
    if (known !== undefined) return known;
    const near = nearest(part, METRIC_PARTS);
    throw fail(
      `a metric has no ${part === "" ? "nameless part" : part}`,
      start,
      near === null ? `It has ${METRIC_PARTS.join(", ")}.` : `Did you mean ${near}?`,
    );
  }

  function eat(found: string | null): string {
    at += found?.length ?? 0;
    return found ?? "";
  }

  while (at < text.length) {
    if (eat(match(SPACE)) !== "") continue;
    const start = at;
    if (isQuote(text.charAt(at))) {
      tokens.push({ type: "text", value: quoted(), start, end: at });
      continue;
    }
    const number = eat(match(NUMBER));
    if (number !== "") {
      if (match(WORD) !== null) throw fail(`${number}${match(WORD) ?? ""} is no number`, start, "Texts are quoted.");
      tokens.push({ type: "number", value: Number(number), start, end: at });
      continue;
    }
    const word = eat(match(WORD));
    if (word !== "") {
      if (text.charAt(at) === "." && NAMESPACES.some((one) => one === word)) tokens.push(field(word, start));
      else tokens.push({ type: "word", value: word.toLowerCase(), start, end: at });
      continue;
    }
    const symbol = SYMBOLS.find((one) => text.startsWith(one, at));
    if (symbol === undefined) {
      const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
      at += character.length;
      throw fail(`${JSON.stringify(character)} means nothing here`, start, "Texts and odd names are quoted.");
    }
    at += symbol.length;
    tokens.push({ type: "symbol", value: symbol, start, end: at });
  }
  tokens.push({ type: "end", value: "", start: text.length, end: text.length });
  return tokens;
}

/**
 * `metrics`, `loss`, `min` → `metrics.loss:min`; the last value is the metric itself. Of a metric that is called `loss:min` also the last
 * value says which one it is, `metrics.loss:min:last`: so no two values share a field.
 */
export function fieldName(namespace: string, name: string, part: MetricPart = "last"): string {
  return part === "last" && (namespace !== "metrics" || partAtEnd(name) === null) ? `${namespace}.${name}` : `${namespace}.${name}:${part}`;
}

/** What {@link fieldName} made the field of. */
export function splitField(field: string): { readonly namespace: string; readonly name: string; readonly part: MetricPart } {
  const dot = field.indexOf(".");
  const [namespace, name] = [field.slice(0, dot), field.slice(dot + 1)];
  const part = namespace === "metrics" ? partAtEnd(name) : null;
  return part === null ? { namespace, name, part: "last" } : { namespace, name: name.slice(0, -part.length - 1), part };
}

function partAtEnd(name: string): MetricPart | null {
  return METRIC_PARTS.find((part) => name.endsWith(`:${part}`)) ?? null;
}

/** A field as it is written in an expression: quoted where its name could be read as something else. */
export function writeField(field: string): string {
  const { namespace, name, part } = splitField(field);
  BARE_NAME.lastIndex = 0;
  const bare = BARE_NAME.exec(name)?.[0] === name;
  const written = bare ? name : JSON.stringify(name).replace(/\\(?!["\\nt])/g, "\\\\");
  return part === "last" ? `${namespace}.${written}` : `${namespace}.${written}:${part}`;
}

function isQuote(character: string): boolean {
  return character === '"' || character === "'" || character === "`";
}
