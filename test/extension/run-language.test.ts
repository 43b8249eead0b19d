/** What the text editor is told of a run document. */
import { describe, expect, it } from "vitest";
import type { RecipeCatalogue } from "../../protocol/recipe.ts";
import { changedRange } from "../../src/documents/changed-range.ts";
import { documentProblems } from "../../src/documents/run-problems.ts";
import { explain, suggestions } from "../../src/documents/run-suggestions.ts";
import fc from "fast-check";
import { CATALOGUE } from "../browser/fixture-recipe.ts";

/** What is offered where `|` stands. */
function offered(marked: string, catalogue: RecipeCatalogue | null = CATALOGUE): string[] {
  const offset = marked.indexOf("|");
  return suggestions(marked.replace("|", ""), offset, catalogue).items.map((item) => item.insert);
}

describe("completion", () => {
  it("offers the keys of a document, apart from those it has", () => {
    expect(offered("|")).toEqual(expect.arrayContaining(["name: ", "recipe: ", "params:\n  "]));
    expect(offered("recipe: tiny\nna|")).not.toContain("recipe: ");
  });

  it("offers recipes, presets, fields and choices", () => {
    expect(offered("recipe: |")).toEqual(["tiny"]);
    expect(offered("recipe: tiny\npreset: q|")).toEqual(["quick"]);
    const fields = offered("recipe: tiny\nparams:\n  shuffle: true\n  le|");
    expect(fields).toEqual(expect.arrayContaining(["learning_rate: ", "train_file: "]));
    expect(fields).not.toContain("shuffle: ");
    expect(offered("recipe: tiny\nparams:\n  schedule: |")).toEqual(["linear", "cosine"]);
    expect(offered("recipe: tiny\nparams:\n  shuffle: |\nname: x\n")).toEqual(["true", "false"]);
    expect(offered("recipe: tiny\nparams:\n  learning_rate: |")).toEqual(["0.1"]);
    expect(suggestions("recipe: tiny\nparams:\n  train_file: ro", 40, CATALOGUE)).toMatchObject({ replaces: 2, paths: { kind: "file" } });
  });

  it("works while the document is not whole, and says nothing in a comment", () => {
    expect(offered("recipe: tiny\nparams:\n  columns: [a\n  sch|")).toContain("schedule: ");
    expect(offered("recipe: tiny\n# schedule: |")).toEqual([]);
    expect(offered("recipe: tiny\nparams:\n  |", null)).toEqual([]);
  });

  it("never throws", () => {
    const text = fc.array(
      fc.constantFrom("recipe: ", "params:", "\n", "  ", "- ", "tiny", "[", "{", "#", ": ", "schedule", "\r\n", "&a", "*a"),
    );
    fc.assert(
      fc.property(text, fc.nat(), (parts, at) => {
        const whole = parts.join("");
        suggestions(whole, at % (whole.length + 1), CATALOGUE);
        explain(whole, at % (whole.length + 1), CATALOGUE);
        documentProblems(whole, CATALOGUE);
      }),
    );
  });
});

describe("hover", () => {
  const text = "recipe: tiny\nparams:\n  learning_rate: 0.2 # try\n";
  it("explains recipes and fields", () => {
    expect(explain(text, 3, CATALOGUE)).toContain("A small training.");
    expect(explain(text, text.indexOf("rate"), CATALOGUE)).toMatch(/Field 5 of the form[^]*more than 0[^]*default `0.1`/);
    expect(explain(text, text.length, CATALOGUE)).toBeNull();
  });
});

describe("problems", () => {
  const marked = (text: string): unknown[] =>
    documentProblems(text, CATALOGUE).map(({ problem, range }) => [
      problem.severity,
      range === null ? null : text.slice(...range),
      problem.hint,
    ]);

  it("stand where they are", () => {
    expect(marked("recipe: tini\n")).toEqual([["error", "recipe", "Did you mean tiny?"]]);
    expect(marked("recipe: tiny\npreset: quik\n")).toEqual([["error", "preset", "Did you mean quick?"]]);
    expect(marked("recipe: tiny\nparams:\n  shufle: true\n  learning_rate: fast\n  dropout: 0.2\n")).toEqual([
      ["error", "shufle", "Did you mean shuffle?"],
      ["error", "learning_rate", null],
    ]);
    expect(marked("recipe: tiny\nparams: { learning_rate: 7 }\n")[0]).toEqual(["warning", "learning_rate", null]);
    expect(documentProblems("recipe: tini\n", null)).toEqual([]);
  });

  it("are none of a script's own fields, which its source alone tells", () => {
    const script = { ...CATALOGUE, recipes: CATALOGUE.recipes.map((recipe) => ({ ...recipe, id: "script" })) };
    const found = (text: string): unknown[] => documentProblems(text, script).map(({ problem }) => problem.field);
    expect(found("recipe: script\nparams: { script: train.py, width: 48 }\n")).toEqual([]);
    expect(found("recipe: script\nparams: { width: 48 }\n")).toEqual(["params.width"]);
  });
});

describe("the changed range", () => {
  it("is the smallest that makes one text of the other", () => {
    expect(changedRange("abc", "abc")).toBeNull();
    expect(changedRange("lr: 1 # x", "lr: 25 # x")).toEqual({ start: 4, end: 5, text: "25" });
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (head, tail, before, after) => {
        const [old, now] = [head + before + tail, head + after + tail];
        const change = changedRange(old, now);
        expect(change === null ? old : old.slice(0, change.start) + change.text + old.slice(change.end)).toBe(now);
        if (change !== null) expect(change.text.length).toBeLessThanOrEqual(after.length);
      }),
    );
  });
});
