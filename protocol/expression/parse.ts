/**
 * The parser of filters and of derived metrics: recursive descent over tokens, nothing is evaluated.
 *
 *     or         = and { ("or" | "||") and }
 *     and        = not { ("and" | "&&") not }
 *     not        = ("not" | "!") not | comparison
 *     comparison = sum [ operator sum | ("=" | "!=" | "is" ["not"]) "null" | ["not"] "in" choices ]
 *     choices    = "(" sum { "," sum } ")" | "[" … "]" | sum
 *     sum        = product { ("+" | "-") product }
 *     product    = unary { ("*" | "/") unary }
 *     unary      = ("-" | "+") unary | power
 *     power      = primary [ ("^" | "**") unary ]
 *     primary    = number | text | "true" | "false" | "inf" | field | function "(" or { "," or } ")" | "(" or ")"
 */
import { nearest } from "../nearest.ts";
import {
  FUNCTIONS,
  NAMESPACES,
  typeOf,
  type ArithmeticOperator,
  type Comparison,
  type Expression,
  type ExpressionType,
  type FunctionName,
  type FunctionShape,
  type Span,
} from "./ast.ts";
import { expressionError, tokenize, type Token } from "./tokens.ts";

/** Brackets and signs within each other; far more than anybody writes, and far less than the stack holds. */
const MAX_DEPTH = 100;
const COMPARING: Readonly<Record<string, Comparison>> = {
  "=": "=",
  "==": "=",
  "!=": "!=",
  "<": "<",
  "<=": "<=",
  ">": ">",
  ">=": ">=",
  "~": "~",
  "!~": "!~",
};

/**
 * A condition: `metrics.eval/loss:min < 0.4 and params.optim in ("adamw", "lion")`.
 * @param what names the text in errors
 * @throws TrainyardError bad_request, with the place
 */
export function parseFilter(text: string, what = "filter"): Expression {
  const parser = new Parser(text, what);
  const expression = parser.whole();
  parser.expect(expression, "boolean");
  return expression;
}

/**
 * A value: `metrics.eval/loss - metrics.train/loss`.
 * @throws TrainyardError bad_request, with the place
 */
export function parseValue(text: string, what = "expression"): Expression {
  return new Parser(text, what).whole();
}

class Parser {
  readonly #what: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string, what: string) {
    this.#what = what;
    this.#tokens = tokenize(text, what);
  }

  whole(): Expression {
    if (this.#tokens.length <= 1) throw this.#error("it is empty", this.#next);
    const expression = this.#or();
    if (this.#next.type !== "end") throw this.#unexpected("an operator or the end");
    return expression;
  }

  /** @throws TrainyardError bad_request when the expression can only give something else */
  expect(expression: Expression, wanted: ExpressionType): void {
    const type = typeOf(expression);
    if (wanted === "any" || type === "any" || type === wanted) return;
    const names = { boolean: "a condition", number: "a number", text: "a text" };
    const hint = wanted === "boolean" ? "Compare it with something: metrics.loss < 1." : null;
    throw this.#error(`${names[wanted]} is needed, not ${names[type]}`, expression.span, hint);
  }

  get #next(): Token {
    const token = this.#tokens[this.#at] ?? this.#tokens.at(-1);
    if (token === undefined) throw new Error("a text without tokens has an end token at least");
    return token;
  }

  #take(...values: readonly string[]): Token | null {
    const token = this.#next;
    if ((token.type !== "symbol" && token.type !== "word") || !values.includes(token.value)) return null;
    this.#at++;
    return token;
  }

  #or(): Expression {
    return this.#chain("or", ["or", "||"], () => this.#and());
  }

  #and(): Expression {
    return this.#chain("and", ["and", "&&"], () => this.#not());
  }

  #chain(kind: "and" | "or", words: readonly string[], part: () => Expression): Expression {
    let left = part();
    while (this.#take(...words) !== null) {
      const right = part();
      this.expect(left, "boolean");
      this.expect(right, "boolean");
      left = { kind, left, right, span: around(left, right) };
    }
    return left;
  }

  #not(): Expression {
    const token = this.#take("not", "!");
    if (token === null) return this.#comparison();
    const operand = this.#nested(() => this.#not());
    this.expect(operand, "boolean");
    return { kind: "not", operand, span: { start: token.start, end: operand.span.end } };
  }

  #comparison(): Expression {
    const left = this.#sum();
    if (this.#take("is") !== null) {
      const negated = this.#take("not") === null;
      return this.#present(left, !negated);
    }
    const mark = this.#at;
    const not = this.#take("not");
    if (this.#take("in") !== null) return this.#in(left, not !== null);
    if (not !== null) {
      if (this.#take("like") === null) this.#at = mark;
      else {
        const operand = this.#compare(left, "like");
        const { span } = operand;
        // As with !~, what is missing is not unlike anything.
        return { kind: "and", left: { kind: "present", operand: left, negated: false, span }, right: { kind: "not", operand, span }, span };
      }
    }
    const operator = this.#take(...Object.keys(COMPARING), "like");
    if (operator === null) return left;
    const comparison = operator.value === "like" ? "like" : COMPARING[operator.value];
    if (comparison === undefined) throw this.#unexpected("an operator");
    if (this.#next.type === "word" && this.#next.value === "null") {
      if (comparison !== "=" && comparison !== "!=") throw this.#error("null can only be compared with = and !=", this.#next);
      return this.#present(left, comparison === "!=");
    }
    const compared = this.#compare(left, comparison);
    if (this.#take(...Object.keys(COMPARING)) !== null) {
      this.#at--;
      throw this.#error("comparisons do not stand in a row", this.#next, "Join them with and: 0 < metrics.loss and metrics.loss < 1.");
    }
    return compared;
  }

  #compare(left: Expression, operator: Comparison): Expression {
    const right = this.#sum();
    const span = around(left, right);
    if (operator === "~" || operator === "!~" || operator === "like") {
      this.expect(left, "text");
      this.expect(right, "text");
    } else {
      const [a, b] = [typeOf(left), typeOf(right)];
      if (a !== "any" && b !== "any" && a !== b) throw this.#error("the two sides can never be equal: they are of different types", span);
      if (a === "boolean" && operator !== "=" && operator !== "!=") throw this.#error("conditions have no order", span);
    }
    return { kind: "compare", operator, left, right, span };
  }

  /** @param there true for "has a value" */
  #present(operand: Expression, there: boolean): Expression {
    const token = this.#take("null");
    if (token === null) throw this.#unexpected("null");
    return { kind: "present", operand, negated: !there, span: { start: operand.span.start, end: token.end } };
  }

  #in(operand: Expression, negated: boolean): Expression {
    const open = this.#take("(", "[");
    if (open === null) {
      const list = this.#sum();
      return { kind: "in", operand, choices: [list], negated, span: around(operand, list) };
    }
    const close = open.value === "(" ? ")" : "]";
    const choices: Expression[] = [];
    do choices.push(this.#nested(() => this.#sum()));
    while (this.#take(",") !== null);
    const end = this.#take(close);
    if (end === null) throw this.#unexpected(`"," or "${close}"`);
    return { kind: "in", operand, choices, negated, span: { start: operand.span.start, end: end.end } };
  }

  #sum(): Expression {
    return this.#arithmetic(["+", "-"], () => this.#product());
  }

  #product(): Expression {
    return this.#arithmetic(["*", "/"], () => this.#unary());
  }

  #arithmetic(operators: readonly ("+" | "-" | "*" | "/")[], part: () => Expression): Expression {
    let left = part();
    for (let token = this.#take(...operators); token !== null; token = this.#take(...operators)) {
      left = this.#calculate(token.value as ArithmeticOperator, left, part());
    }
    return left;
  }

  #calculate(operator: ArithmeticOperator, left: Expression, right: Expression): Expression {
    this.expect(left, "number");
    this.expect(right, "number");
    return { kind: "arithmetic", operator, left, right, span: around(left, right) };
  }

  #unary(): Expression {
    const sign = this.#take("-", "+");
    if (sign === null) return this.#power();
    const operand = this.#nested(() => this.#unary());
    this.expect(operand, "number");
    const span = { start: sign.start, end: operand.span.end };
    if (sign.value === "+") {
      // Not the operand alone: a text is no number, with a sign before it neither.
      return operand.kind === "number"
        ? operand
        : { kind: "arithmetic", operator: "*", left: { kind: "number", value: 1, span }, right: operand, span };
    }
    return operand.kind === "number" ? { kind: "number", value: -operand.value, span } : { kind: "negate", operand, span };
  }

  #power(): Expression {
    const base = this.#primary();
    if (this.#take("^", "**") === null) return base;
    return this.#calculate(
      "^",
      base,
      this.#nested(() => this.#unary()),
    );
  }

  #primary(): Expression {
    const token = this.#next;
    const { start, end } = token;
    const span = { start, end };
    this.#at++;
    switch (token.type) {
      case "number":
        return { kind: "number", value: token.value, span };
      case "text":
        return { kind: "text", value: token.value, span };
      case "field":
        return { kind: "field", name: token.value, span };
      case "word":
        return this.#word(token.value, span);
      case "symbol":
        if (token.value === "(") return this.#brackets(start);
        break;
      case "end":
        break;
    }
    this.#at--;
    throw this.#unexpected("a value");
  }

  #brackets(start: number): Expression {
    const inner = this.#nested(() => this.#or());
    const close = this.#take(")");
    if (close === null) throw this.#unexpected(`")"`);
    return { ...inner, span: { start, end: close.end } };
  }

  #word(word: string, span: Span): Expression {
    if (word === "true" || word === "false") return { kind: "boolean", value: word === "true", span };
    if (word === "inf" || word === "infinity") return { kind: "number", value: Infinity, span };
    if (word === "nan") throw this.#error("nothing equals nan, not even itself", span, "Write is_nan(metrics.loss).");
    if (word === "null") throw this.#error("null stands alone", span, "Write metrics.loss = null or metrics.loss != null.");
    if (!Object.hasOwn(FUNCTIONS, word)) throw this.#unknownWord(word, span);
    const name = word as FunctionName;
    if (this.#take("(") === null) throw this.#unexpected(`"(" behind ${word}`);
    const args: Expression[] = [];
    if (this.#take(")") === null) {
      do args.push(this.#nested(() => this.#or()));
      while (this.#take(",") !== null);
      if (this.#take(")") === null) throw this.#unexpected(`"," or ")"`);
    }
    const call = { start: span.start, end: this.#tokens[this.#at - 1]?.end ?? span.end };
    this.#checkArguments(name, args, call);
    return { kind: "call", name, args, span: call };
  }

  #checkArguments(name: FunctionName, args: readonly Expression[], span: Span): void {
    const { least, most, args: wanted }: FunctionShape = FUNCTIONS[name];
    if (args.length < least || args.length > most) {
      const count = least === most ? String(least) : `${least} or more`;
      throw this.#error(`${name} takes ${count} argument${least === 1 && most === 1 ? "" : "s"}, not ${args.length}`, span);
    }
    args.forEach((arg, index) => {
      this.expect(arg, wanted === "if" ? (index === 0 ? "boolean" : "any") : wanted);
    });
  }

  #unknownWord(word: string, span: Span): Error {
    const near = nearest(word, [...Object.keys(FUNCTIONS), "and", "or", "not", "in", "like", "true", "false", "null"]);
    const namespaces = NAMESPACES.map((one) => `${one}.${word}`).join(" or ");
    return this.#error(
      `${word} is no field and no function`,
      span,
      near === null ? `Write ${namespaces}; texts are quoted.` : `Did you mean ${near}?`,
    );
  }

  #nested(part: () => Expression): Expression {
    if (++this.#depth > MAX_DEPTH) throw this.#error("it is nested too deeply", this.#next);
    const expression = part();
    this.#depth--;
    return expression;
  }

  #unexpected(wanted: string): Error {
    const token = this.#next;
    const found =
      token.type === "end" ? "the end" : token.type === "text" ? `the text ${JSON.stringify(token.value)}` : String(token.value);
    return this.#error(`${wanted} is needed here, not ${found}`, token);
  }

  #error(message: string, span: Span, hint: string | null = null): Error {
    return expressionError(this.#what, message, span, hint);
  }
}

function around(left: Expression, right: Expression): Span {
  return { start: left.span.start, end: right.span.end };
}
