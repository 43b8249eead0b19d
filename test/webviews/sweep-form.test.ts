/** The sweep section of the form: every edit leaves a document that reads as a sweep, or says what is missing. */
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../protocol/json.ts";
import { Recipe } from "../../protocol/recipe.ts";
import { applySpecEdits, type SpecEdit } from "../../protocol/run-document/edit.ts";
import { readRunDocument } from "../../protocol/run-document/read.ts";
import { formOf, type FormState, problems, provenance } from "../../webviews/builder/form-model.ts";
import {
  addVaried,
  beginSweep,
  endSweep,
  kindsOf,
  parseValues,
  removeVaried,
  setMetric,
  setOption,
  setRange,
  type SweepForm,
  sweepForm,
  switchKind,
  switchMethod,
  valuesText,
  variable,
} from "../../webviews/builder/sweep-form-model.ts";

const field = { description: "", "x-section": "all" };
const recipe = Recipe.parse({
  id: "command",
  title: "",
  description: "",
  framework: "",
  sections: [{ id: "all", title: "All", description: "" }],
  schema: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: {
      lr: { ...field, title: "Rate", type: "number", default: 1e-3, "x-usual-range": [1e-5, 1e-2], "x-order": 1 },
      depth: { ...field, title: "Depth", type: "integer", default: 2, "x-order": 2 },
      act: { ...field, title: "Act", type: "string", enum: ["relu", "gelu"], default: "relu", "x-order": 3 },
      fast: { ...field, title: "Fast", type: "boolean", default: false, "x-order": 4 },
      file: { ...field, title: "File", type: "string", "x-order": 5 },
    },
    required: ["file"],
    additionalProperties: false,
  },
  presets: {},
  requires: [],
  resumable: false,
  origin: "builtin",
});

class Page {
  text = "recipe: command # mine\n";

  get values(): JsonObject {
    return readRunDocument(this.text).values ?? {};
  }

  get form(): FormState {
    return formOf(recipe, this.values);
  }

  get sweep(): SweepForm {
    const found = sweepForm(this.values, this.form);
    if (found === null) throw new Error("no sweep");
    return found;
  }

  do(edits: readonly SpecEdit[]): this {
    this.text = applySpecEdits(this.text, edits);
    return this;
  }

  get found(): string[] {
    return readRunDocument(this.text).problems.map(({ problem }) => problem.field);
  }
}

function begun(): Page {
  return new Page().do(beginSweep());
}

describe("the sweep section", () => {
  it("begins empty and says that a field is missing, and goes without a trace", () => {
    const page = begun();
    expect(page.found).toEqual(["sweep.params"]);
    expect(page.do(endSweep()).text).toBe("recipe: command # mine\n");
    expect(sweepForm(page.values, page.form)).toBeNull();
  });

  it("varies a field from its value or its choices, and takes it out again", () => {
    const page = begun();
    for (const key of ["lr", "act", "fast"]) page.do(addVaried(page.form, key));
    expect(page.sweep.varied.map(({ key, values }) => [key, values])).toEqual([
      ["lr", [1e-3]],
      ["act", ["relu", "gelu"]],
      ["fast", [false, true]],
    ]);
    expect(page.found).toEqual([]);
    expect(variable(page.form, page.sweep.varied).map(([key]) => key)).toEqual(["depth", "file"]);
    for (const key of ["lr", "act", "fast"]) page.do(removeVaried(page.sweep, key));
    expect(page.found).toEqual(["sweep.params"]);
  });

  it("asks for no value of a field that each run has its own of", () => {
    const page = begun();
    expect([...problems(page.form).keys()]).toEqual(["file"]);
    page.do(addVaried(page.form, "file")).do(setRange("file", "values", ["a.csv", "b.csv"]));
    expect(problems(page.form).size).toBe(0);
    expect(provenance(page.form, "file").origin).toBe("varied by the sweep");
  });

  it("offers the ways of giving values that the method and the field know", () => {
    const { lr, act } = recipe.schema.properties;
    expect(kindsOf("grid", lr ?? null)).toEqual(["values", "int"]);
    expect(kindsOf("random", lr ?? null)).toEqual(["values", "uniform", "loguniform", "int"]);
    expect(kindsOf("random", act ?? null)).toEqual(["values"]);
  });

  it("goes from values to a range and back, and from method to method, and always reads as a sweep", () => {
    const page = begun();
    page.do(addVaried(page.form, "lr")).do(switchMethod(page.sweep, "random"));
    const lr = () => page.sweep.varied[0]!;
    // A single value says nothing of a range: the usual one does.
    expect(page.do(switchKind(lr(), "loguniform")).sweep.varied[0]).toMatchObject({ kind: "loguniform", values: [1e-5, 1e-2] });
    expect(page.do(switchKind(lr(), "uniform")).found).toEqual([]);
    page.do(setOption(["seeds"], [1, 2])).do(setMetric(page.sweep, "eval/loss"));
    expect(page.sweep.rest).toMatchObject({ n: 10, seed: 1, objective: { metric: "eval/loss", direction: "min" } });
    page.do(switchMethod(page.sweep, "grid"));
    expect(page.found).toEqual([]);
    expect(page.sweep).toMatchObject({ method: "grid", varied: [{ kind: "values", values: [1e-5, 1e-2] }], rest: { seeds: [1, 2] } });
    expect(page.sweep.rest).not.toHaveProperty("n");
    expect(page.do(setMetric(page.sweep, "")).sweep.rest).not.toHaveProperty("objective");
    expect(page.text).toContain("# mine");
  });

  it.each([
    ["lr", "1e-4, 3e-4", [1e-4, 3e-4]],
    ["depth", " 1,2 ", [1, 2]],
    ["lr", "1, many", [1, "many"]],
    ["act", "relu, gelu", ["relu", "gelu"]],
    ["fast", "true, false", [true, false]],
    ["act", '["a, b", "c"]', ["a, b", "c"]],
    ["lr", "", []],
  ])("reads the values of %s from %j", (key, text, values) => {
    const read = parseValues(recipe.schema.properties[key] ?? null, text);
    expect(read).toEqual(values);
    expect(parseValues(recipe.schema.properties[key] ?? null, valuesText(read))).toEqual(values);
  });
});
