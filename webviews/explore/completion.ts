/** What may stand at the caret of a filter: fields, operators, values of a field, and how conditions go on. Pure. */
import type { FieldInfo } from "../../protocol/analysis.ts";
import { counted } from "../../protocol/counted.ts";
import { FUNCTIONS } from "../../protocol/expression/ast.ts";
import { type Token, tokenize, writeField } from "../../protocol/expression/tokens.ts";
import type { JsonValue } from "../../protocol/json.ts";
import { quote } from "./filter-text.ts";
import { isMetricPart } from "./fields.ts";

export interface Completion {
  /** What comes into the text. */
  readonly insert: string;
  readonly label: string;
  readonly detail: string;
}

export interface Completions {
  /** The part of the text that a completion takes the place of. */
  readonly from: number;
  readonly to: number;
  readonly items: readonly Completion[];
  /** The field whose values are offered; there may be more of them than the field index lists. */
  readonly valuesOf: string | null;
}

const MOST_OFFERED = 50;
const COMPARING = new Set(["=", "==", "!=", "<", "<=", ">", ">=", "~", "!~"]);
/** The word at the caret; "/" and ":" belong to names of fields. */
const PARTIAL = /(?:(?:record|params|metrics|derived)\.[^\s()<>=!~,"'`[\]]*|[\p{L}_][\p{L}\p{N}_]*|-?[\d.]+(?:e[+-]?\d*)?)$/iu;

/** @param caret 0-based, between characters */
export function complete(text: string, caret: number, fields: readonly FieldInfo[]): Completions {
  const before = text.slice(0, caret);
  const quoted = openQuote(before);
  const from = quoted ?? caret - (PARTIAL.exec(before)?.[0].length ?? 0);
  const typed = before.slice(quoted === null ? from : from + 1);
  const context = contextOf(before.slice(0, from));
  const to = quoted === null ? caret : endOfQuote(text, caret, text.charAt(from));
  const none = { from, to, items: [], valuesOf: null };
  switch (context.wants) {
    case "value": {
      const info = fields.find(({ name }) => name === context.field);
      return { from, to, items: valueItems(info?.values ?? [], typed), valuesOf: context.field };
    }
    case "operator":
      return { ...none, items: quoted === null ? operatorItems(context.field, fields, typed) : [] };
    case "joint":
      return { ...none, items: quoted === null ? matching(JOINTS, typed) : [] };
    case "field":
      return { ...none, items: quoted === null ? fieldItems(fields, typed) : [] };
    case "nothing":
      return none;
  }
}

/** Values as completions: texts in quotes, the rest as it stands. */
export function valueItems(values: readonly { readonly value: JsonValue; readonly count: number }[], typed: string): Completion[] {
  const wanted = typed.toLowerCase();
  return values
    .flatMap(({ value, count }) => (Array.isArray(value) ? value.map((item) => ({ value: item, count })) : [{ value, count }]))
    .filter(({ value }, index, all) => all.findIndex((other) => other.value === value) === index)
    .map(({ value, count }) => {
      const label = typeof value === "string" ? value : JSON.stringify(value);
      return {
        insert: typeof value === "string" ? quote(value) : label,
        label,
        detail: counted(count, "run"),
      };
    })
    .filter(({ label }) => label.toLowerCase().includes(wanted))
    .slice(0, MOST_OFFERED);
}

type Context =
  | { readonly wants: "field" | "joint" | "nothing" }
  | { readonly wants: "operator"; readonly field: string }
  | { readonly wants: "value"; readonly field: string };

/** @param text up to the word at the caret */
function contextOf(text: string): Context {
  let tokens: Token[];
  try {
    tokens = tokenize(text, "filter").slice(0, -1);
  } catch {
    return { wants: "nothing" };
  }
  const last = tokens.at(-1);
  if (last === undefined) return { wants: "field" };
  if (last.type === "symbol") {
    if (COMPARING.has(last.value)) return valueAfter(tokens.at(-2));
    if (last.value === "(" || last.value === "[" || last.value === ",") {
      const list = listField(tokens);
      return list === null ? { wants: "field" } : { wants: "value", field: list };
    }
    return last.value === ")" || last.value === "]" ? { wants: "joint" } : { wants: "field" };
  }
  if (last.type === "word") {
    if (last.value === "like") return valueAfter(tokens.at(-2)?.value === "not" ? tokens.at(-3) : tokens.at(-2));
    if (["true", "false", "null"].includes(last.value)) return { wants: "joint" };
    return ["and", "or", "not"].includes(last.value) ? { wants: "field" } : { wants: "nothing" };
  }
  // A field or a value: what came before says whether it is compared already.
  const compared = tokens.at(-2);
  const isCompared =
    compared !== undefined && (COMPARING.has(String(compared.value)) || compared.value === "like" || compared.value === "in");
  return last.type === "field" && !isCompared ? { wants: "operator", field: last.value } : { wants: "joint" };
}

function valueAfter(token: Token | undefined): Context {
  return token?.type === "field" ? { wants: "value", field: token.value } : { wants: "field" };
}

/** The field before `in (…`, when the caret stands in such a list. */
function listField(tokens: readonly Token[]): string | null {
  const open = tokens.findLastIndex(({ type, value }) => type === "symbol" && (value === "(" || value === "["));
  if (tokens[open - 1]?.value !== "in") return null;
  const field = tokens[open - 2]?.value === "not" ? tokens[open - 3] : tokens[open - 2];
  return field?.type === "field" ? field.value : null;
}

function fieldItems(fields: readonly FieldInfo[], typed: string): Completion[] {
  const wanted = typed.toLowerCase();
  const parts = wanted.includes(":");
  const rank = (name: string): number => {
    const lower = name.toLowerCase();
    const bare = lower.slice(lower.indexOf(".") + 1);
    return lower === wanted || bare === wanted ? 0 : lower.startsWith(wanted) ? 1 : bare.startsWith(wanted) ? 2 : 3;
  };
  const items = fields
    .filter(({ name }) => (parts || !isMetricPart(name)) && name.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a.name) - rank(b.name))
    .map((info) => ({ insert: writeField(info.name), label: info.name, detail: describe(info) }));
  const functions = typed === "" ? [] : Object.keys(FUNCTIONS).filter((name) => name.startsWith(wanted));
  return [...items, ...functions.map((name) => ({ insert: `${name}(`, label: name, detail: "function" }))].slice(0, MOST_OFFERED);
}

function describe({ type, min, max, unique, values }: FieldInfo): string {
  if (type === "numeric" && min !== null && max !== null)
    return min === max ? shortNumber(min) : `${shortNumber(min)} … ${shortNumber(max)}`;
  if (unique !== null && unique <= 3 && type !== "list")
    return values
      .map(({ value }) => JSON.stringify(value))
      .join(", ")
      .slice(0, 40);
  return unique === null ? type : `${type}, ${counted(unique, "value")}`;
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function operatorItems(field: string, fields: readonly FieldInfo[], typed: string): Completion[] {
  const type = fields.find(({ name }) => name === field)?.type;
  const order = [
    { insert: "< ", label: "<", detail: "less than" },
    { insert: "<= ", label: "<=", detail: "at most" },
    { insert: "> ", label: ">", detail: "more than" },
    { insert: ">= ", label: ">=", detail: "at least" },
  ];
  const text = [
    { insert: "~ ", label: "~", detail: "contains" },
    { insert: "like ", label: "like", detail: "* and ? stand for anything" },
  ];
  const common = [
    { insert: "= ", label: "=", detail: "is" },
    { insert: "!= ", label: "!=", detail: "is another" },
    { insert: "in (", label: "in", detail: "is one of" },
    { insert: "not in (", label: "not in", detail: "is none of" },
    { insert: "!= null", label: "!= null", detail: "has a value" },
    { insert: "= null", label: "= null", detail: "has no value" },
  ];
  if (type === "numeric") return matching([...order, ...common], typed);
  if (type === "boolean") return matching([...JOINTS, ...common], typed);
  return matching(type === "string" || type === "list" ? [...text, ...common, ...order] : [...common, ...order, ...text], typed);
}

const JOINTS: readonly Completion[] = [
  { insert: "and ", label: "and", detail: "both hold" },
  { insert: "or ", label: "or", detail: "one of them holds" },
];

function matching(items: readonly Completion[], typed: string): Completion[] {
  return items.filter(({ label }) => label.startsWith(typed.toLowerCase()));
}

/** Where the quote begins that the text ends in, null when it ends in none. */
function openQuote(text: string): number | null {
  let open: number | null = null;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (open === null) {
      // `metrics."odd name"` is a field, not a value; its quotes are closed before anything is offered.
      if (character === '"' || character === "'" || character === "`") open = at;
    } else if (character === "\\") at++;
    else if (character === text.charAt(open)) open = null;
  }
  return open;
}

function endOfQuote(text: string, caret: number, mark: string): number {
  const end = text.indexOf(mark, caret);
  return end < 0 ? caret : end + 1;
}
