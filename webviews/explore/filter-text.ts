/** Filters as people write them: conditions that are put together, plain words that are looked for, places of errors. Pure. */
import { type Expression, fieldsOf, type Span } from "../../protocol/expression/ast.ts";
import { parseFilter } from "../../protocol/expression/parse.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";

/** The fields in which plain words are looked for. */
const SEARCHED = ["record.name", "record.tags", "record.notes"];

export interface FilterError {
  readonly message: string;
  readonly hint: string | null;
  /** In the text that was checked; null: the whole of it. */
  readonly span: Span | null;
}

/** Does the text mean words to look for, and not a condition? `qwen lora`, but not `params.lr < 1`. */
export function isSearch(text: string): boolean {
  return text.trim() !== "" && !/[=<>~!()"'`[\]]|&&|\|\||\b(record|params|metrics|derived)\./.test(text) && !/^\s*not\b/i.test(text);
}

/** The condition that each of the words stands in the name, a tag or the notes, or that the run has such an id. */
export function searchExpression(text: string): string {
  return text
    .trim()
    .split(/\s+/)
    .map((word) => `(${[...SEARCHED, ...(isId(word) ? ["record.id"] : [])].map((field) => `${field} ~ ${quote(word)}`).join(" or ")})`)
    .join(" and ");
}

/** Ids are letters and digits without a meaning: looked through for every word, they would pass by chance. */
function isId(word: string): boolean {
  return /^run_./i.test(word);
}

/** The words of a condition that `searchExpression` made; null when it is another. */
export function searchedWords(clause: string): string | null {
  const words = [...clause.matchAll(/\(record\.name ~ ("(?:[^"\\]|\\.)*") or /g)].map(([, quoted]) => JSON.parse(quoted ?? '""') as string);
  return words.length > 0 && searchExpression(words.join(" ")) === clause ? words.join(" ") : null;
}

/** A text as the query language quotes it. */
export function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t")}"`;
}

/** What is wrong with the text, as far as the text alone tells. */
export function checkFilter(text: string): FilterError | null {
  try {
    parseFilter(text);
    return null;
  } catch (error) {
    return toFilterError(error, 0);
  }
}

/** @param offset where the text that people see begins in the one that was checked */
export function toFilterError(error: unknown, offset: number): FilterError {
  if (!(error instanceof TrainyardError)) throw error;
  const problem = error.problems[0];
  const span = problem?.span ?? null;
  return {
    message: problem?.message ?? error.message,
    hint: problem?.hint ?? error.hint,
    span: span === null ? null : { start: span.start - offset, end: span.end - offset },
  };
}

/**
 * The conditions that all must hold, each as it is written: `a = 1 and (b = 2 or c = 3)` has two. A text that is no filter is one: a page
 * that was saved with it, or asked for with it, shows it with what is wrong.
 */
export function splitClauses(text: string): string[] {
  const clauses: string[] = [];
  const visit = (expression: Expression, from: number, to: number): void => {
    if (expression.kind !== "and" || isBracketed(text, expression.span) || isOneCondition(expression)) {
      clauses.push(text.slice(from, to));
      return;
    }
    visit(expression.left, expression.left.span.start, expression.left.span.end);
    visit(expression.right, expression.right.span.start, expression.right.span.end);
  };
  try {
    const expression = parseFilter(text);
    visit(expression, expression.span.start, expression.span.end);
    return clauses;
  } catch (error) {
    if (error instanceof TrainyardError) return [text];
    throw error;
  }
}

/** `a not like b` parses into two conditions at one place: what stands in the text once stays one. */
function isOneCondition({ left, span }: { readonly left: Expression; readonly span: Span }): boolean {
  return left.span.end === span.end;
}

function isBracketed(text: string, span: Span): boolean {
  return text.charAt(span.start) === "(" && text.charAt(span.end - 1) === ")" && closes(text, span);
}

/** Does the bracket at the start of the span close at its end? */
function closes(text: string, { start, end }: Span): boolean {
  let depth = 0;
  let quoted = "";
  for (let at = start; at < end; at++) {
    const character = text.charAt(at);
    if (quoted !== "") {
      if (character === "\\") at++;
      else if (character === quoted) quoted = "";
    } else if (character === '"' || character === "'" || character === "`") quoted = character;
    else if (character === "(") depth++;
    else if (character === ")" && --depth === 0) return at === end - 1;
  }
  return false;
}

/** One condition out of several; "" without any. Where each begins in it is in `starts`. */
export function joinClauses(clauses: readonly string[]): { readonly text: string; readonly starts: readonly number[] } {
  const starts: number[] = [];
  let text = "";
  for (const clause of clauses) {
    if (text !== "") text += " and ";
    const wrap = clauses.length > 1 && isJoined(clause);
    starts.push(text.length + (wrap ? 1 : 0));
    text += wrap ? `(${clause})` : clause;
  }
  return { text, starts };
}

/** Would it read otherwise beside an "and"? What is no condition yet is kept apart too. */
function isJoined(clause: string): boolean {
  try {
    const { kind, span } = parseFilter(clause);
    return (kind === "and" || kind === "or") && !isBracketed(clause, span);
  } catch (error) {
    if (error instanceof TrainyardError) return true;
    throw error;
  }
}

/** The clause that holds the place of an error in the joined text, and the error as it stands in that clause. */
export function locateError(error: FilterError, starts: readonly number[]): { readonly clause: number; readonly error: FilterError } {
  const { span } = error;
  // A lone field in brackets is told from its bracket on.
  const clause = span === null ? -1 : starts.findLastIndex((start) => start - 1 <= span.start);
  if (span === null || clause < 0) return { clause: -1, error };
  const offset = starts[clause] ?? 0;
  return { clause, error: { ...error, span: { start: Math.max(0, span.start - offset), end: span.end - offset } } };
}

/** The field that stands alone at the end of the text, as each does while a condition is being written; null where none does. */
export function lastLoneField(text: string): string | null {
  try {
    let last = parseFilter(text);
    for (;;) {
      if (last.kind === "and" || last.kind === "or") last = last.right;
      else if (last.kind === "not") last = last.operand;
      else return last.kind === "field" ? last.name : null;
    }
  } catch (error) {
    if (error instanceof TrainyardError) return null;
    throw error;
  }
}

/** Fields of a condition that no run has; none for a text that is no condition. */
export function unknownFields(text: string, known: (field: string) => boolean): string[] {
  try {
    return fieldsOf(parseFilter(text)).filter((field) => !known(field));
  } catch (error) {
    if (error instanceof TrainyardError) return [];
    throw error;
  }
}
