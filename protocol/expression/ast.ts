/** What an expression is made of. Grammar and meaning: docs/query-language.md. */

/** Characters of the text, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export const COMPARISONS = ["=", "!=", "<", "<=", ">", ">=", "~", "!~", "like"] as const;
export type Comparison = (typeof COMPARISONS)[number];
export type ArithmeticOperator = "+" | "-" | "*" | "/" | "^";

export type Expression = { readonly span: Span } & (
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "negate"; readonly operand: Expression }
  | { readonly kind: "arithmetic"; readonly operator: ArithmeticOperator; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "compare"; readonly operator: Comparison; readonly left: Expression; readonly right: Expression }
  /** Is the value there at all? `metrics.loss != null` */
  | { readonly kind: "present"; readonly operand: Expression; readonly negated: boolean }
  | { readonly kind: "in"; readonly operand: Expression; readonly choices: readonly Expression[]; readonly negated: boolean }
  | { readonly kind: "not"; readonly operand: Expression }
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "call"; readonly name: FunctionName; readonly args: readonly Expression[] }
);

/** What an expression gives, as far as its text says; a field can hold anything. */
export type ExpressionType = "number" | "text" | "boolean" | "any";

export interface FunctionShape {
  readonly least: number;
  readonly most: number;
  readonly args: ExpressionType | "if";
  readonly gives: ExpressionType;
}

const numeric = (least: number, most: number): FunctionShape => ({ least, most, args: "number", gives: "number" });

export const FUNCTIONS = {
  abs: numeric(1, 1),
  sqrt: numeric(1, 1),
  exp: numeric(1, 1),
  /** Natural logarithm. */
  log: numeric(1, 1),
  log2: numeric(1, 1),
  log10: numeric(1, 1),
  floor: numeric(1, 1),
  ceil: numeric(1, 1),
  /** To the nearest whole number, halves upwards. */
  round: numeric(1, 1),
  min: numeric(1, 100),
  max: numeric(1, 100),
  /** The first of its arguments that has a value. */
  coalesce: { least: 1, most: 100, args: "any", gives: "any" },
  /** if(condition, value, other value) */
  if: { least: 3, most: 3, args: "if", gives: "any" },
  is_nan: { least: 1, most: 1, args: "number", gives: "boolean" },
  is_finite: { least: 1, most: 1, args: "number", gives: "boolean" },
} as const satisfies Record<string, FunctionShape>;
export type FunctionName = keyof typeof FUNCTIONS;

export const NAMESPACES = ["record", "params", "metrics", "derived"] as const;

/** Of a metric: `metrics.loss` is its last value, `metrics.loss:min` its lowest. */
export const METRIC_PARTS = ["last", "min", "max", "first", "count", "last_step", "min_step", "max_step"] as const;
export type MetricPart = (typeof METRIC_PARTS)[number];

export function typeOf(expression: Expression): ExpressionType {
  switch (expression.kind) {
    case "number":
    case "negate":
    case "arithmetic":
      return "number";
    case "text":
      return "text";
    case "field":
      return "any";
    case "call":
      return FUNCTIONS[expression.name].gives;
    case "boolean":
    case "compare":
    case "present":
    case "in":
    case "not":
    case "and":
    case "or":
      return "boolean";
  }
}

/** The parts of an expression, outermost first. */
export function* walk(expression: Expression): Generator<Expression> {
  yield expression;
  switch (expression.kind) {
    case "negate":
    case "not":
    case "present":
      yield* walk(expression.operand);
      return;
    case "arithmetic":
    case "compare":
    case "and":
    case "or":
      yield* walk(expression.left);
      yield* walk(expression.right);
      return;
    case "in":
      yield* walk(expression.operand);
      for (const choice of expression.choices) yield* walk(choice);
      return;
    case "call":
      for (const arg of expression.args) yield* walk(arg);
      return;
    case "number":
    case "text":
    case "boolean":
    case "field":
      return;
  }
}

/** Names of the fields in an expression, each once. */
export function fieldsOf(expression: Expression): string[] {
  const names = new Set<string>();
  for (const part of walk(expression)) if (part.kind === "field") names.add(part.name);
  return [...names];
}
