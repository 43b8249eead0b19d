/** The same questions answered in the plainest way over the summaries: what the columns are compared with. */
import fc from "fast-check";
import type { RunSummary } from "../../protocol/run.ts";
import { metric, summary } from "./summaries.ts";

type Scalar = number | string | boolean;
export type Plain = Scalar | readonly Scalar[] | undefined;

/** A condition with its text and its meaning, made side by side. */
export interface Condition {
  readonly text: string;
  readonly holds: (run: RunSummary) => boolean;
}
export interface Term {
  readonly text: string;
  readonly of: (run: RunSummary) => Plain;
}

const number = (wire: number | string): number => Number(wire);

export const FIELDS: readonly Term[] = [
  { text: "metrics.loss", of: (run) => run.metrics["loss"] && number(run.metrics["loss"].last) },
  { text: "metrics.eval/acc:min", of: (run) => run.metrics["eval/acc"] && number(run.metrics["eval/acc"].min) },
  { text: 'metrics."it\'s \\"odd\\""', of: (run) => run.metrics['it\'s "odd"'] && number(run.metrics['it\'s "odd"'].last) },
  { text: "params.lr", of: (run) => run.params["lr"] as Plain },
  { text: "params.optim", of: (run) => run.params["optim"] as Plain },
  { text: "params.lora.r", of: (run) => (run.params["lora"] as { r?: number } | undefined)?.r },
  { text: "params.on", of: (run) => run.params["on"] as Plain },
  { text: "record.state", of: (run) => run.state },
  { text: "record.seed", of: (run) => run.seed ?? undefined },
  { text: "record.starred", of: (run) => run.starred },
  { text: "record.tags", of: (run) => run.tags },
];

const value = fc
  .oneof(
    { weight: 4, arbitrary: fc.integer({ min: -3, max: 3 }) },
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
  )
  // Columns keep no negative zero; oracle.test.ts has stores with it.
  .map((one) => one + 0);
const wire = fc.oneof({ weight: 5, arbitrary: value }, fc.constantFrom("NaN" as const, "Infinity" as const, "-Infinity" as const));
const word = fc.constantFrom("adamw", "AdamW", "lion", "", "ad", "*");

/** A store in which names, values and gaps repeat. */
export const stores: fc.Arbitrary<RunSummary[]> = fc
  .array(
    fc.record({
      project: fc.constantFrom("a", "b"),
      state: fc.constantFrom("completed" as const, "failed" as const, "running" as const),
      seed: fc.option(fc.integer({ min: 0, max: 2 })),
      starred: fc.boolean(),
      tags: fc.uniqueArray(fc.constantFrom("adamw", "Best", "old"), { maxLength: 2 }),
      params: fc.record(
        {
          lr: value,
          optim: fc.oneof(word, fc.integer({ min: 0, max: 1 })),
          lora: fc.record({ r: fc.constantFrom(8, 16) }),
          on: fc.boolean(),
        },
        { requiredKeys: [] },
      ),
      metrics: fc.record({ loss: wire.map(metric), "eval/acc": wire.map(metric), 'it\'s "odd"': wire.map(metric) }, { requiredKeys: [] }),
    }),
    { maxLength: 40 },
  )
  .map((all) => [complete(), ...all.map((changes, n) => summary(n + 1, changes))]);

/** One run that has every field, so that none is unknown. */
function complete(): RunSummary {
  return summary(0, {
    project: "a",
    seed: 1,
    tags: ["old"],
    params: { lr: 1, optim: "lion", lora: { r: 8 }, on: true },
    metrics: { loss: metric(1), "eval/acc": metric(0), 'it\'s "odd"': metric(2) },
  });
}

const literal: fc.Arbitrary<Term> = fc.oneof(
  value.map((one) => ({ text: String(one), of: () => one })),
  word.map((one) => ({ text: JSON.stringify(one), of: () => one })),
);
const field = fc.constantFrom(...FIELDS);

const sum: fc.Arbitrary<Term> = fc.oneof(
  { weight: 3, arbitrary: field },
  fc.tuple(field, fc.constantFrom("+", "-", "*", "/"), value).map(([left, operator, right]) => ({
    text: `(${left.text} ${operator} ${right})`,
    of: (run: RunSummary) => {
      const a = left.of(run);
      if (typeof a !== "number") return undefined;
      return operator === "+" ? a + right : operator === "-" ? a - right : operator === "*" ? a * right : a / right;
    },
  })),
  fc.tuple(field, field).map(([left, right]) => ({
    text: `max(${left.text}, -${right.text})`,
    of: (run: RunSummary) => {
      const [a, b] = [left.of(run), right.of(run)];
      return typeof a === "number" && typeof b === "number" ? Math.max(a, -b) : undefined;
    },
  })),
);

function same(a: Plain, b: Plain): boolean {
  return typeof a === "object" || typeof b === "object" ? JSON.stringify(a) === JSON.stringify(b) : a === b;
}

function before(a: Plain, b: Plain): boolean {
  if (typeof a === "number" && typeof b === "number") return a < b;
  return typeof a === "string" && typeof b === "string" && a < b;
}

const comparison: fc.Arbitrary<Condition> = fc
  .tuple(sum, fc.constantFrom("=", "==", "!=", "<", "<=", ">", ">="), fc.oneof(literal, field))
  // A number is never a text, which the parser says at once.
  .filter(([left, , right]) => FIELDS.includes(left) || !right.text.startsWith('"'))
  .map(([left, operator, right]) => ({
    text: `${left.text} ${operator} ${right.text}`,
    holds: (run: RunSummary) => {
      const [a, b] = [left.of(run), right.of(run)];
      if (a === undefined || b === undefined) return false;
      switch (operator) {
        case "=":
        case "==":
          return same(a, b);
        case "!=":
          return !same(a, b);
        case "<":
          return before(a, b);
        case ">":
          return before(b, a);
        case "<=":
          return before(a, b) || (typeof a === typeof b && typeof a !== "boolean" && typeof a !== "object" && a === b);
        default:
          return before(b, a) || (typeof a === typeof b && typeof a !== "boolean" && typeof a !== "object" && a === b);
      }
    },
  }));

const search: fc.Arbitrary<Condition> = fc.tuple(field, fc.boolean(), word).map(([left, negated, text]) => ({
  text: `${left.text} ${negated ? "!~" : "~"} ${JSON.stringify(text)}`,
  holds: (run: RunSummary) => {
    const a = left.of(run);
    if (a === undefined) return false;
    const texts = (typeof a === "object" ? a : [a]).filter((one): one is string => typeof one === "string");
    return texts.some((one) => one.toLowerCase().includes(text.toLowerCase())) !== negated;
  },
}));

const membership: fc.Arbitrary<Condition> = fc.oneof(
  fc.tuple(field, fc.boolean(), fc.array(literal, { minLength: 1, maxLength: 3 })).map(([left, negated, choices]) => ({
    text: `${left.text} ${negated ? "not in" : "in"} (${choices.map((choice) => choice.text).join(", ")})`,
    holds: (run: RunSummary) => {
      const a = left.of(run);
      return a !== undefined && choices.some((choice) => same(a, choice.of(run))) !== negated;
    },
  })),
  fc.constantFrom("old", "Best", "none").map((tag) => ({
    text: `"${tag}" in record.tags`,
    holds: (run: RunSummary) => run.tags.includes(tag),
  })),
);

const presence: fc.Arbitrary<Condition> = fc
  .tuple(field, fc.constantFrom("= null", "!= null", "is null", "is not null"))
  .map(([left, test]) => ({
    text: `${left.text} ${test}`,
    holds: (run: RunSummary) => (left.of(run) === undefined) === (test === "= null" || test === "is null"),
  }));

export const conditions: fc.Arbitrary<Condition> = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4 },
    comparison,
    search,
    membership,
    presence,
    field.map((one) => ({ text: one.text, holds: (run: RunSummary) => one.of(run) === true })),
    fc.tuple(tie("condition"), fc.constantFrom("and", "or", "&&", "||", "AND"), tie("condition")).map(([left, word, right]) => ({
      text: `(${left.text}) ${word} (${right.text})`,
      holds: (run: RunSummary) => (["or", "||"].includes(word) ? left.holds(run) || right.holds(run) : left.holds(run) && right.holds(run)),
    })),
    tie("condition").map((inner) => ({ text: `not (${inner.text})`, holds: (run: RunSummary) => !inner.holds(run) })),
  ),
})).condition;
