/** Derived metrics of a project: named expressions that may build on each other, but not in a ring. */
import { fieldsOf, walk, type Expression } from "./ast.ts";
import { parseValue } from "./parse.ts";
import { expressionError } from "./tokens.ts";

export interface DerivedMetric {
  readonly name: string;
  readonly expression: Expression;
}

/**
 * Parses the definitions and puts them in an order in which each stands behind those that it builds on.
 * @param definitions name → expression
 * @throws TrainyardError bad_request: one does not parse, names one that is not there, or several form a ring
 */
export function orderDerived(definitions: Readonly<Record<string, string>>): DerivedMetric[] {
  const parsed = new Map(Object.entries(definitions).map(([name, text]) => [name, parseValue(text, `derived.${name}`)]));
  const done = new Set<string>();
  const ordered: DerivedMetric[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    const expression = parsed.get(name);
    if (expression === undefined || done.has(name)) return;
    for (const other of fieldsOf(expression).filter((field) => field.startsWith("derived."))) {
      const next = other.slice("derived.".length);
      const at = [...walk(expression)].find((part) => part.kind === "field" && part.name === other)?.span ?? expression.span;
      if (!parsed.has(next)) throw expressionError(`derived.${name}`, `there is no ${other}`, at, "Define it as well, or take it out.");
      const from = [...path, name].indexOf(next);
      if (from >= 0) {
        const ring = [...path, name].slice(from).concat(next).join(" → ");
        throw expressionError(`derived.${name}`, `it builds on itself: ${ring}`, at, "Take one of them out of the ring.");
      }
      visit(next, [...path, name]);
    }
    done.add(name);
    ordered.push({ name, expression });
  };
  for (const name of parsed.keys()) visit(name, []);
  return ordered;
}
