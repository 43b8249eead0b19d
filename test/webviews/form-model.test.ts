import { describe, expect, it } from "vitest";
import type { Recipe, RecipeField } from "../../protocol/recipe.ts";
import { RunSpec } from "../../protocol/spec.ts";
import {
  effectiveParams,
  inputText,
  isChosen,
  itemChoices,
  newForm,
  parseInput,
  problems,
  provenance,
  sections,
  setValue,
  splitArguments,
  switchRecipe,
  toSpec,
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
const head = { name: "", project: "", python: null, args: [] };

describe("the form", () => {
  it("takes values from default, preset, parent run and here, in that order, and says where from", () => {
    let form = newForm(recipe);
    expect([valueOf(form, "epochs"), provenance(form, "epochs").origin]).toEqual([3, "recipe default"]);
    form = { ...form, preset: "medium" };
    expect([valueOf(form, "epochs"), provenance(form, "epochs").origin]).toEqual([5, "preset"]);
    form = { ...form, parent: { epochs: 7 } };
    expect([valueOf(form, "epochs"), provenance(form, "epochs").origin]).toEqual([7, "parent run"]);
    form = setValue(form, "epochs", 9);
    expect(provenance(form, "epochs")).toEqual({ origin: "changed", was: 7 });
    expect(setValue(form, "epochs", 7).changed).toEqual({});
    expect(setValue(form, "epochs", undefined).changed).toEqual({});
  });

  it("finds what is missing, of the wrong type, out of range or unusual", () => {
    let form = newForm(recipe);
    expect(problems(form).get("train_file")?.message).toBe("needs a value");
    form = setValue(setValue(form, "train_file", "a.jsonl"), "epochs", 0);
    expect(problems(form).get("epochs")).toMatchObject({ severity: "error", message: "must be at least 1" });
    expect(problems(setValue(form, "epochs", "many")).get("epochs")?.message).toBe("must be a whole number");
    expect(problems(setValue(form, "epochs", 1.5)).get("epochs")?.message).toBe("must be a whole number");
    expect(problems(setValue(form, "learning_rate", 2e-3)).get("learning_rate")?.severity).toBe("warning");
    expect(problems(setValue(form, "learning_rate", 0)).get("learning_rate")).toMatchObject({
      severity: "error",
      message: "must be more than 0",
    });
    expect(problems(setValue(form, "method", "other")).get("method")?.message).toBe("must be one of lora, full");
  });

  it("leaves out fields that have no meaning now", () => {
    const form = setValue(setValue(newForm(recipe), "rank", 4), "method", "full");
    expect(effectiveParams(form)).not.toHaveProperty("rank");
    expect(toSpec(form, head).params).toEqual({ method: "full" });
    const names = sections(form, all, new Set()).flatMap((section) => section.fields.map(([key]) => key));
    expect(names).toEqual(["train_file", "epochs", "learning_rate", "method", "seed", "modules"]);
  });

  it("hides advanced fields, but never one that is changed or wrong, nor from a search", () => {
    const form = newForm(recipe);
    const names = (filter: Parameters<typeof sections>[1], wrong: string[] = [], of = form): string[] =>
      sections(of, filter, new Set(wrong)).flatMap((section) => section.fields.map(([key]) => key));
    expect(names({ ...all, advanced: false })).not.toContain("seed");
    expect(names({ ...all, advanced: false }, ["seed"])).toContain("seed");
    expect(names({ ...all, advanced: false }, [], setValue(form, "seed", 1))).toContain("seed");
    expect(names({ ...all, advanced: false, search: "seed" })).toEqual(["seed"]);
    expect(names({ ...all, changedOnly: true }, [], setValue(form, "seed", 1))).toEqual(["seed"]);
  });

  it("writes a document that the protocol accepts and that holds only what differs", () => {
    const form = setValue({ ...newForm(recipe), preset: "medium" }, "train_file", "a.jsonl");
    const spec = toSpec(form, { ...head, name: "try", args: ["--fast"] });
    expect(spec).toEqual({
      name: "try",
      project: "default",
      recipe: "hf-lora",
      preset: "medium",
      params: { train_file: "a.jsonl" },
      args: ["--fast"],
    });
    expect(RunSpec.safeParse(spec).success).toBe(true);
  });

  it("keeps what another recipe knows too", () => {
    const other: Recipe = { ...recipe, id: "other", schema: { ...recipe.schema, properties: { epochs: field({ type: "integer" }, 1) } } };
    const form = switchRecipe(setValue(setValue(newForm(recipe), "epochs", 9), "rank", 2), other);
    expect(form.changed).toEqual({ epochs: 9 });
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
