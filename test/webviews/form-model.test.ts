import { describe, expect, it } from "vitest";
import type { JsonObject, JsonValue } from "../../protocol/json.ts";
import type { Recipe, RecipeField } from "../../protocol/recipe.ts";
import { applySpecEdits, type SpecEdit } from "../../protocol/run-document/edit.ts";
import { readRunDocument } from "../../protocol/run-document/read.ts";
import {
  changesFrom,
  effectiveParams,
  formOf,
  type FormState,
  inputText,
  isChosen,
  itemChoices,
  parseInput,
  problems,
  provenance,
  sections,
  setValue,
  splitArguments,
  resetValue,
  switchRecipe,
  takeParams,
  toggled,
  valueOf,
} from "../../webviews/builder/form-model.ts";

function field(part: Partial<RecipeField>, order: number): RecipeField {
  return { title: "T", description: "D", "x-section": "train", "x-order": order, ...part };
}

const recipe: Recipe = {
  id: "hf-lora",
  title: "LoRA",
  description: "",
  framework: "transformers",
  sections: [
    { id: "data", title: "Data", description: "" },
    { id: "train", title: "Training", description: "" },
  ],
  schema: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: {
      train_file: field({ type: "string", "x-section": "data" }, 1),
      learning_rate: field({ type: "number", default: 2e-4, exclusiveMinimum: 0, maximum: 1, "x-usual-range": [5e-5, 5e-4] }, 3),
      epochs: field({ type: "integer", default: 3, minimum: 1 }, 2),
      method: field({ type: "string", enum: ["lora", "full"], default: "lora" }, 4),
      rank: field({ type: "integer", default: 8, "x-depends-on": { method: ["lora"] } }, 5),
      seed: field({ type: ["integer", "null"], default: null, "x-advanced": true }, 6),
      modules: field({ type: "array", items: { type: "string" } }, 7),
    },
    required: ["train_file"],
    additionalProperties: false,
  },
  presets: { medium: { title: "Medium", values: { epochs: 5, rank: 16 } } },
  requires: [],
  resumable: true,
  origin: "builtin",
};

const all = { search: "", changedOnly: false, advanced: true };

function newForm(of: Recipe = recipe, params: JsonObject = {}): FormState {
  return formOf(of, { recipe: of.id, params });
}

/** The form after edits of its document. */
function after(form: FormState, edits: readonly SpecEdit[]): FormState {
  const before = { recipe: form.recipe.id, ...(form.preset === null ? {} : { preset: form.preset }), params: form.params };
  const values = readRunDocument(applySpecEdits(JSON.stringify(before), edits)).values ?? {};
  return formOf(form.recipe, values, form);
}

function set(form: FormState, key: string, value: JsonValue): FormState {
  return after(form, setValue(form, key, value));
}

describe("the form", () => {
  it("takes values from default, preset, project, parent run and document, in that order, and says where from", () => {
    let form = newForm();
    const seen = (): unknown[] => [valueOf(form, "epochs"), provenance(form, "epochs").origin];
    expect(seen()).toEqual([3, "recipe default"]);
    expect(provenance({ ...form, scriptFields: new Set(["epochs"]) }, "epochs").origin).toBe("your script");
    form = { ...form, preset: "medium" };
    expect(seen()).toEqual([5, "preset"]);
    form = { ...form, project: { epochs: 6, unknown: 1 } };
    expect(seen()).toEqual([6, "project default"]);
    form = { ...form, parent: { epochs: 7 }, params: { epochs: 7 } };
    expect(seen()).toEqual([7, "parent run"]);
    expect(setValue(form, "epochs", 7)).toEqual([]);
    form = set(form, "epochs", 9);
    expect(provenance(form, "epochs")).toEqual({ origin: "changed", was: 7 });
    expect(valueOf(after(form, resetValue(form, "epochs")), "epochs")).toBe(7);
    const alone = { ...form, parent: null };
    expect(valueOf(after(alone, resetValue(alone, "epochs")), "epochs")).toBe(6);
    expect(resetValue(newForm(), "epochs")).toEqual([]);
  });

  it("keeps a value that is written even when it is the default, so that its line stays where it is", () => {
    const form = newForm(recipe, { epochs: 4 });
    expect(set(form, "epochs", 3).params).toEqual({ epochs: 3 });
  });

  it("finds what is missing, of the wrong type, out of range or unusual", () => {
    let form = newForm();
    expect(problems(form).get("train_file")?.message).toBe("needs a value");
    form = set(set(form, "train_file", "a.jsonl"), "epochs", 0);
    expect(problems(form).get("epochs")).toMatchObject({ severity: "error", message: "must be at least 1" });
    expect(problems(set(form, "epochs", "many")).get("epochs")?.message).toBe("must be a whole number");
    expect(problems(set(form, "epochs", 1.5)).get("epochs")?.message).toBe("must be a whole number");
    expect(problems(set(form, "learning_rate", 2e-3)).get("learning_rate")?.severity).toBe("warning");
    expect(problems(set(form, "learning_rate", 0)).get("learning_rate")).toMatchObject({
      severity: "error",
      message: "must be more than 0",
    });
    expect(problems(set(form, "method", "other")).get("method")?.message).toBe("must be one of lora, full");
  });

  it("leaves out fields that have no meaning now", () => {
    const form = set(set(newForm(), "rank", 4), "method", "full");
    expect(effectiveParams(form)).not.toHaveProperty("rank");
    const names = sections(form, all, new Set()).flatMap((section) => section.fields.map(([key]) => key));
    expect(names).toEqual(["train_file", "epochs", "learning_rate", "method", "seed", "modules"]);
  });

  it("ends with fields that depend on each other in a ring", () => {
    const ring: Recipe = {
      ...recipe,
      schema: {
        ...recipe.schema,
        properties: {
          a: field({ type: "boolean", default: true, "x-depends-on": { b: [true] } }, 1),
          b: field({ type: "boolean", default: true, "x-depends-on": { a: [true] } }, 2),
        },
      },
    };
    expect(effectiveParams(newForm(ring))).toEqual({ a: true, b: true });
    expect(effectiveParams(set(newForm(ring), "a", false))).toEqual({ a: false });
  });

  it("hides advanced fields, but never one that is written or wrong, nor from a search", () => {
    const form = newForm();
    const names = (filter: Parameters<typeof sections>[1], wrong: string[] = [], of = form): string[] =>
      sections(of, filter, new Set(wrong)).flatMap((section) => section.fields.map(([key]) => key));
    expect(names({ ...all, advanced: false })).not.toContain("seed");
    expect(names({ ...all, advanced: false }, ["seed"])).toContain("seed");
    expect(names({ ...all, advanced: false }, [], set(form, "seed", 1))).toContain("seed");
    expect(names({ ...all, advanced: false, search: "seed" })).toEqual(["seed"]);
    expect(names({ ...all, changedOnly: true }, [], set(form, "seed", 1))).toEqual(["seed"]);
  });

  it("keeps what another recipe knows too, and what nobody knows", () => {
    const other: Recipe = { ...recipe, id: "other", schema: { ...recipe.schema, properties: { epochs: field({ type: "integer" }, 1) } } };
    const form = { ...newForm(recipe, { epochs: 9, rank: 2, mine: 1 }), preset: "medium" };
    const edits = switchRecipe(form, { ...other, presets: {} });
    expect(after(form, edits)).toMatchObject({ params: { epochs: 9, mine: 1 }, preset: null });
    expect(after(form, edits).params).not.toHaveProperty("rank");
  });

  it("takes over the params of another run, and says what differs", () => {
    const form = newForm(recipe, { epochs: 9, rank: 2 });
    const taken = after(form, takeParams(form, { epochs: 4, train_file: "a" }));
    expect(taken.params).toEqual({ epochs: 4, train_file: "a" });
    expect(changesFrom(taken, { epochs: 3, train_file: "a", learning_rate: 2e-4, method: "lora", rank: 8, seed: null })).toEqual([
      { key: "epochs", was: 3, now: 4 },
    ]);
  });
});

describe("typed text", () => {
  it("is read by the field's type", () => {
    expect(parseInput(field({ type: "number" }, 1), "2e-3")).toBe(0.002);
    expect(parseInput(field({ type: "number" }, 1), "fast")).toBe("fast");
    expect(parseInput(field({ type: "number" }, 1), " ")).toBeUndefined();
    expect(parseInput(field({ type: ["integer", "null"] }, 1), "")).toBeNull();
    expect(parseInput(field({ type: "array", items: { type: "string" } }, 1), "q, k,v")).toEqual(["q", "k", "v"]);
    expect(parseInput(field({ type: "array", items: { type: "integer" } }, 1), "1, 2")).toEqual([1, 2]);
    expect(parseInput(field({ type: "object" }, 1), '{"a":1}')).toEqual({ a: 1 });
    expect(inputText(0.00002)).toBe("2e-5");
    expect(inputText(["a", "b"])).toBe("a, b");
  });

  it("splits arguments as a shell would", () => {
    expect(splitArguments(`--name "two words" --x='it is' a\tb`)).toEqual(["--name", "two words", "--x=it is", "a", "b"]);
  });
});

describe("a list of choices", () => {
  const timeframes = field({ type: "array", items: { type: "string", enum: ["1m", "1h", "1d"] }, default: [] }, 1);

  it("keeps the order of the choices, and may end up empty", () => {
    const day = toggled(timeframes, [], "1d");
    const both = toggled(timeframes, day, "1m");
    expect([day, both, toggled(timeframes, both, "1d"), toggled(timeframes, day, "1d")]).toEqual([["1d"], ["1m", "1d"], ["1m"], []]);
    expect([isChosen(both, "1m"), isChosen(both, "1h"), isChosen(undefined, "1h")]).toEqual([true, false, false]);
  });

  it("is typed where any item may stand", () => {
    expect(itemChoices(field({ type: "array", items: { type: "string" } }, 1))).toEqual([]);
    expect(itemChoices(timeframes)).toEqual(["1m", "1h", "1d"]);
  });
});
