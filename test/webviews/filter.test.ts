/** Filters as they are typed: conditions apart and together, what may stand at the caret. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FieldInfo } from "../../protocol/analysis.ts";
import { parseFilter } from "../../protocol/expression/parse.ts";
import { complete } from "../../webviews/explore/completion.ts";
import {
  checkFilter,
  isSearch,
  joinClauses,
  lastLoneField,
  locateError,
  quote,
  searchedWords,
  searchExpression,
  splitClauses,
  unknownFields,
} from "../../webviews/explore/filter-text.ts";

describe("conditions", () => {
  it("come apart where all of them must hold, and nowhere else", () => {
    expect(splitClauses("params.a < 1 and params.b = 2 and not params.c = 3")).toEqual([
      "params.a < 1",
      "params.b = 2",
      "not params.c = 3",
    ]);
    expect(splitClauses("params.a < 1 and (params.b = 2 or params.c = 3)")).toEqual(["params.a < 1", "(params.b = 2 or params.c = 3)"]);
    expect(splitClauses("(params.a < 1 and params.b = 2)")).toEqual(["(params.a < 1 and params.b = 2)"]);
    expect(splitClauses("(params.a = 1) and (params.b = 2)")).toEqual(["(params.a = 1)", "(params.b = 2)"]);
    expect(splitClauses('record.name not like "a*" and record.starred')).toEqual(['record.name not like "a*"', "record.starred"]);
    expect(splitClauses("params.a = 1 or params.b = 2")).toEqual(["params.a = 1 or params.b = 2"]);
    // Whoever opens a page with it is told, in the page.
    expect(splitClauses("params.a < ")).toEqual(["params.a < "]);
  });

  it("mean together what they mean one by one", () => {
    const clauses = ["params.a = 1 or params.b = 2", "record.starred"];
    const { text, starts } = joinClauses(clauses);
    expect(text).toBe("(params.a = 1 or params.b = 2) and record.starred");
    // What needs no brackets gets none, so that it is split into the same conditions again.
    expect(splitClauses(joinClauses(["params.a = 1", "not params.b", "params.c < 2"]).text)).toEqual([
      "params.a = 1",
      "not params.b",
      "params.c < 2",
    ]);
    expect(starts.map((start, index) => text.startsWith(clauses[index] ?? "?", start))).toEqual([true, true]);
    expect(locateError({ message: "", hint: null, span: { start: 35, end: 41 } }, starts)).toMatchObject({
      clause: 1,
      error: { span: { start: 0 } },
    });
    expect(joinClauses([]).text).toBe("");
  });

  it("say where they are wrong", () => {
    expect(checkFilter("params.a <")).toMatchObject({ span: { start: 10 } });
    expect(checkFilter("params.a < 1")).toBeNull();
    expect(unknownFields("params.a < 1 and params.b = 1", (field) => field === "params.a")).toEqual(["params.b"]);
  });

  it("are made of plain words, which come back from them", () => {
    expect(["qwen 1.7b", "lora/r16", "params.lr", "a = 1", "not x", ""].map(isSearch)).toEqual([true, true, false, false, false, false]);
    const word = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => !/\s/.test(text));
    fc.assert(
      fc.property(word, (text) => {
        const expression = searchExpression(text);
        expect(() => parseFilter(expression)).not.toThrow();
        expect(searchedWords(expression)).toBe(text);
      }),
    );
    expect(searchedWords("params.lr < 1")).toBeNull();
  });

  it("hold any text when it is quoted", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (text) => {
        const parsed = parseFilter(`record.name = ${quote(text)}`);
        expect(parsed).toMatchObject({ kind: "compare", right: { kind: "text", value: text } });
      }),
    );
  });
});

it("a field that is still to become a condition stands alone at the end", () => {
  expect(["params.lr", "params.a < 1 and params.lr", "not params.lr", "params.a = 1 or (params.lr)"].map(lastLoneField)).toEqual(
    Array(4).fill("params.lr"),
  );
  expect(["params.lr < 1", "params.lr and params.a = 1", "params.lr <", "lr in (1, 2)"].map(lastLoneField)).toEqual(Array(4).fill(null));
});

describe("completion", () => {
  const fields: FieldInfo[] = [
    ["params.learning_rate", "numeric", [1e-4, 2e-4]],
    ["params.optim", "string", ["adamw", 'li"on']],
    ["metrics.eval/loss", "numeric", []],
    ["metrics.eval/loss:min", "numeric", []],
    ["metrics.val loss", "numeric", []],
    ["record.tags", "list", [["best", "kept"], ["best"]]],
    ["record.starred", "boolean", [true, false]],
  ].map(([name, type, values]) => ({
    name: name as string,
    type: type as FieldInfo["type"],
    count: 9,
    missing: 0,
    min: 0,
    max: 1,
    non_finite: 0,
    unique: 2,
    values: (values as FieldInfo["values"][number]["value"][]).map((value) => ({ value, count: 3 })),
  }));
  /** What is offered at the bar. */
  const at = (text: string): string[] => {
    const caret = text.indexOf("|");
    return complete(text.replace("|", ""), caret, fields).items.map(({ insert }) => insert);
  };

  it("offers fields where a condition begins, quoted where their names are odd", () => {
    expect(at("|")).toHaveLength(6);
    expect(at("learn|")).toEqual(["params.learning_rate"]);
    expect(at("metrics.|")).toEqual(["metrics.eval/loss", 'metrics."val loss"']);
    expect(at("metrics.eval/loss:|")).toEqual(["metrics.eval/loss:min"]);
    expect(at("record.starred and (opt|")).toEqual(["params.optim"]);
    expect(at("ab|")).toEqual(["abs("]);
  });

  it("offers operators that suit the field, then its values, then how it goes on", () => {
    expect(at("params.learning_rate |")[0]).toBe("< ");
    expect(at("params.optim |")[0]).toBe("~ ");
    expect(at("params.optim = |")).toEqual(['"adamw"', '"li\\"on"']);
    expect(at('params.optim = "ad|')).toEqual(['"adamw"']);
    expect(at("params.optim in (|")).toEqual(['"adamw"', '"li\\"on"']);
    expect(at('params.optim not in ("adamw", |')).toEqual(['"adamw"', '"li\\"on"']);
    expect(at("record.tags ~ |")).toEqual(['"best"', '"kept"']);
    expect(at("params.learning_rate < 2e-4 |")).toEqual(["and ", "or "]);
    expect(at("params.learning_rate < 2e-4 a|")).toEqual(["and "]);
  });

  it("takes the place of the whole quoted value, and offers nothing within a broken text", () => {
    const text = 'params.optim = "adamw" and record.starred';
    const { from, to } = complete(text, text.indexOf("amw"), fields);
    expect(text.slice(from, to)).toBe('"adamw"');
    expect(at("params.a ? |")).toEqual([]);
  });

  it("never fails, and never takes the place of what is not at the caret", () => {
    const piece = fc.constantFrom("params.optim", " ", "=", '"', "(", "in", "and", "metrics.", "1e-", ",", "'", "\\", "not", ":", "§");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.nat(60), (parts, at) => {
        const text = parts.join("");
        const caret = Math.min(at, text.length);
        const { from, to } = complete(text, caret, fields);
        expect(from <= caret && caret <= to && to <= text.length).toBe(true);
      }),
    );
  });
});
