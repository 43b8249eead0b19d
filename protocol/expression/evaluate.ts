/** From an expression to a function over rows. Closures, no code generation: a filter is data, never program text. */
import type { ArithmeticOperator, Comparison, Expression, FunctionName } from "./ast.ts";

/** undefined = the run has no such value. */
export type Value = number | string | boolean | readonly (number | string | boolean)[] | undefined;
export type Evaluator = (row: number) => Value;
export type Predicate = (row: number) => boolean;
/** Reads a field of the row with a number. */
export type FieldReader = (field: string) => Evaluator;

/** Truth is `true` alone: a number or a text is no condition, and neither is a value that is missing. */
export function compilePredicate(expression: Expression, read: FieldReader): Predicate {
  switch (expression.kind) {
    case "and": {
      const [left, right] = [compilePredicate(expression.left, read), compilePredicate(expression.right, read)];
      return (row) => left(row) && right(row);
    }
    case "or": {
      const [left, right] = [compilePredicate(expression.left, read), compilePredicate(expression.right, read)];
      return (row) => left(row) || right(row);
    }
    case "not": {
      const operand = compilePredicate(expression.operand, read);
      return (row) => !operand(row);
    }
    case "compare": {
      const [left, right] = [compileValue(expression.left, read), compileValue(expression.right, read)];
      const test = COMPARE[expression.operator];
      return (row) => test(left(row), right(row));
    }
    case "present": {
      const operand = compileValue(expression.operand, read);
      const { negated } = expression;
      return (row) => (operand(row) === undefined) === negated;
    }
    case "in":
      return compileIn(expression, read);
    default: {
      const value = compileValue(expression, read);
      return (row) => value(row) === true;
    }
  }
}

export function compileValue(expression: Expression, read: FieldReader): Evaluator {
  switch (expression.kind) {
    case "number":
    case "text":
    case "boolean": {
      const { value } = expression;
      return () => value;
    }
    case "field":
      return read(expression.name);
    case "negate": {
      const operand = compileValue(expression.operand, read);
      return (row) => {
        const value = operand(row);
        return typeof value === "number" ? -value : undefined;
      };
    }
    case "arithmetic": {
      const [left, right] = [compileValue(expression.left, read), compileValue(expression.right, read)];
      const calculate = ARITHMETIC[expression.operator];
      return (row) => {
        const [a, b] = [left(row), right(row)];
        return typeof a === "number" && typeof b === "number" ? calculate(a, b) : undefined;
      };
    }
    case "call":
      return compileCall(expression.name, expression.args, read);
    case "and":
    case "or":
    case "not":
    case "compare":
    case "present":
    case "in":
      return compilePredicate(expression, read);
  }
}

const ARITHMETIC: Readonly<Record<ArithmeticOperator, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "^": (a, b) => a ** b,
};

/** A comparison with a value that is missing is false, also with !=. Values of different types are unequal and have no order. */
const COMPARE: Readonly<Record<Comparison, (a: Value, b: Value) => boolean>> = {
  "=": equal,
  "!=": (a, b) => a !== undefined && b !== undefined && !equal(a, b),
  "<": ordered((a, b) => a < b),
  "<=": ordered((a, b) => a <= b),
  ">": ordered((a, b) => a > b),
  ">=": ordered((a, b) => a >= b),
  "~": contains,
  "!~": (a, b) => a !== undefined && b !== undefined && !contains(a, b),
  like: (a, b) => typeof b === "string" && texts(a).some((text) => matchesPattern(text, b)),
};

function equal(a: Value, b: Value): boolean {
  if (a === undefined || b === undefined) return false;
  if (typeof a !== "object" || typeof b !== "object") return a === b;
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

function ordered(test: (a: number | string, b: number | string) => boolean): (a: Value, b: Value) => boolean {
  return (a, b) => ((typeof a === "number" && typeof b === "number") || (typeof a === "string" && typeof b === "string")) && test(a, b);
}

/** A text, or the texts of a list. */
function texts(value: Value): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" ? value.filter((item) => typeof item === "string") : [];
}

/** Is `b` somewhere in the text, or in one of a list, whatever the case? */
function contains(a: Value, b: Value): boolean {
  if (typeof b !== "string") return false;
  const wanted = b.toLowerCase();
  return texts(a).some((text) => text.toLowerCase().includes(wanted));
}

/** `*` stands for any characters, `?` for one. Linear for one `*`, at worst the product of the lengths: no regular expression, no blow-up. */
export function matchesPattern(wholeText: string, wholePattern: string): boolean {
  // By characters: an emoji is one, though a string holds it as two units.
  const [text, pattern] = [Array.from(wholeText), Array.from(wholePattern)];
  let [t, p, star, from] = [0, 0, -1, 0];
  while (t < text.length) {
    const wanted = pattern[p];
    if (wanted === "*") {
      star = p++;
      from = t;
    } else if (wanted !== undefined && (wanted === "?" || wanted === text[t])) {
      t++;
      p++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++from;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}

function compileIn(expression: Extract<Expression, { kind: "in" }>, read: FieldReader): Predicate {
  const operand = compileValue(expression.operand, read);
  const choices = expression.choices.map((choice) => compileValue(choice, read));
  const { negated } = expression;
  return (row) => {
    const value = operand(row);
    if (value === undefined) return false;
    const others = choices.map((choice) => choice(row));
    // "x not in (a, b)" is "x != a and x != b", which a missing value makes false.
    if (negated && others.includes(undefined)) return false;
    const found = others.some((other) => {
      return typeof other === "object" && typeof value !== "object" ? other.includes(value) : equal(value, other);
    });
    return found !== negated;
  };
}

const NUMERIC: Readonly<Partial<Record<FunctionName, (...args: number[]) => number | boolean>>> = {
  abs: Math.abs,
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  floor: Math.floor,
  ceil: Math.ceil,
  round: Math.round,
  min: Math.min,
  max: Math.max,
  is_nan: Number.isNaN,
  is_finite: Number.isFinite,
};

function compileCall(name: FunctionName, args: readonly Expression[], read: FieldReader): Evaluator {
  if (name === "if") {
    const [first, second, third] = args;
    if (first === undefined || second === undefined || third === undefined) return () => undefined;
    const condition = compilePredicate(first, read);
    const [then, otherwise] = [compileValue(second, read), compileValue(third, read)];
    return (row) => (condition(row) ? then(row) : otherwise(row));
  }
  const values = args.map((arg) => compileValue(arg, read));
  if (name === "coalesce")
    return (row) => {
      for (const value of values) {
        const found = value(row);
        if (found !== undefined) return found;
      }
      return undefined;
    };
  const calculate = NUMERIC[name];
  return (row) => {
    const numbers: number[] = [];
    for (const value of values) {
      const number = value(row);
      if (typeof number !== "number") return undefined;
      numbers.push(number);
    }
    return calculate?.(...numbers);
  };
}
