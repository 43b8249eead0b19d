import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nearest } from "../../protocol/nearest.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Recipe, RecipeField } from "../../protocol/recipe.ts";
import { findInterpreter, resolveProgram } from "../../server/recipes/interpreter.ts";
import { missingPackages, pickRecipe, resolveParams } from "../../server/recipes/resolve.ts";
import { validateParams } from "../../server/recipes/validate.ts";

const field = (more: Partial<RecipeField>): RecipeField => ({ title: "Field", description: "", "x-section": "s", "x-order": 0, ...more });

const RECIPE: Recipe = {
  id: "toy",
  title: "Toy",
  description: "",
  framework: "custom",
  sections: [],
  schema: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: {
      learning_rate: field({ type: "number", exclusiveMinimum: 0, maximum: 1, default: 0.1, "x-usual-range": [1e-6, 0.5] }),
      steps: field({ type: "integer", minimum: 1, default: 10 }),
      optim: field({ type: "string", enum: ["adamw", "sgd"], default: "adamw" }),
      momentum: field({ type: ["number", "null"], "x-depends-on": { optim: ["sgd"] } }),
      layers: field({ type: "array", items: { type: "string" } }),
      data: field({ type: "string", title: "Training data", "x-path": { kind: "file", must_exist: true } }),
    },
    required: ["data", "momentum"],
    additionalProperties: false,
  },
  presets: { fast: { title: "Fast", values: { steps: 2, learning_rate: 0.2 } } },
  requires: ["torch>=2", "huggingface_hub"],
  resumable: true,
  origin: "builtin",
};

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "trainyard-recipes-"));
  await writeFile(path.join(dir, "data.csv"), "a\n1\n");
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("layers", () => {
  test("each wins over the one below and is named as the source", () => {
    const { params, sources } = resolveParams(RECIPE, {
      preset: "fast",
      project: { steps: 3, field_of_another_recipe: 1 },
      spec: { data: "data.csv" },
      override: { optim: "sgd" },
    });
    expect(params).toEqual({ learning_rate: 0.2, steps: 3, optim: "sgd", data: "data.csv" });
    expect(sources).toEqual({ learning_rate: "preset", steps: "project default", optim: "override", data: "spec" });
  });

  test("a parent's values come between, with their first source when the run itself goes on", () => {
    const parent = { params: { steps: 7 }, sources: { steps: "spec" as const } };
    expect(resolveParams(RECIPE, { project: { steps: 3 }, parent }).sources["steps"]).toBe("spec");
    expect(resolveParams(RECIPE, { parent: { ...parent, sources: null } })).toMatchObject({
      params: { steps: 7 },
      sources: { steps: "parent run" },
    });
  });

  test("an unknown preset or recipe names the nearest", () => {
    expect(() => resolveParams(RECIPE, { preset: "fastt" })).toThrow(
      expect.objectContaining({ code: "invalid_spec", hint: "Did you mean fast?" }),
    );
    expect(() => pickRecipe({ recipes: [RECIPE], problems: [] }, "toi")).toThrow(
      expect.objectContaining({ code: "unknown_recipe", hint: "Did you mean toy?" }),
    );
  });
});

describe("validation", () => {
  const check = (params: JsonObject): { field: string; message: string; hint: string | null }[] =>
    validateParams(RECIPE, { data: "data.csv", ...params }, dir).filter((found) => found.severity === "error");

  test("good values pass, relative paths start in the folder", () => {
    expect(check({ learning_rate: 0.1, steps: 5, optim: "sgd", momentum: 0.9, layers: ["q", "v"] })).toEqual([]);
  });

  test.each<[string, JsonObject, string, RegExp]>([
    ["above its maximum", { learning_rate: 2 }, "params.learning_rate", /out of its range/],
    ["at an exclusive minimum", { learning_rate: 0 }, "params.learning_rate", /out of its range/],
    ["below its minimum", { steps: 0 }, "params.steps", /out of its range/],
    ["a fraction for a whole number", { steps: 1.5 }, "params.steps", /whole number/],
    ["text for a number", { learning_rate: "1e-4" }, "params.learning_rate", /must be a number/],
    ["not among the choices", { optim: "adam" }, "params.optim", /cannot be/],
    ["a list with a wrong entry", { layers: ["q", 3] }, "params.layers", /does not fit/],
    ["empty where a value is needed", { steps: null }, "params.steps", /whole number/],
    ["an unknown field", { learning_rat: 1 }, "params.learning_rat", /no field/],
    ["a name that every object has", { constructor: 1 }, "params.constructor", /no field/],
    ["a missing file", { data: "nowhere.csv" }, "params.data", /does not exist/],
    ["a folder for a file", { data: "." }, "params.data", /not a file/],
    ["missing where another field asks for it", { optim: "sgd" }, "params.momentum", /missing/],
  ])("%s", (_, params, name, message) => {
    const found = check(params);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ field: name });
    expect(found[0]?.message).toMatch(message);
  });

  test("hints say what would be right", () => {
    expect(check({ learning_rat: 1 })[0]?.hint).toBe("Did you mean learning_rate?");
    expect(check({ learning_rate: "1e-4" })[0]?.hint).toContain("1.0e-4");
    expect(check({ learning_rate: 3 })[0]?.hint).toBe("Choose a value above 0 and of at most 1.");
  });

  test("outside the usual range is a warning only", () => {
    const found = validateParams(RECIPE, { data: "data.csv", learning_rate: 0.9 }, dir);
    expect(found).toMatchObject([{ severity: "warning", field: "params.learning_rate" }]);
  });

  test("nearest leaves strangers alone", () => {
    expect(nearest("zzzzzz", ["learning_rate", "steps"])).toBeNull();
    expect(nearest("step", ["learning_rate", "steps"])).toBe("steps");
  });
});

test("packages are compared by their normal names", () => {
  expect(missingPackages(RECIPE, { torch: "2.13", "huggingface-hub": "1" })).toEqual([]);
  expect(missingPackages(RECIPE, { Torch: "2.13" })).toEqual(["huggingface_hub"]);
});

describe("interpreter", () => {
  test("an explicit choice wins and is never replaced; then the environment, then the folder's own, then PATH", async () => {
    const make = async (name: string): Promise<string> => {
      const { mkdir } = await import("node:fs/promises");
      const file = path.join(dir, name, "bin", "python");
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, "#!/bin/sh\n", { mode: 0o755 });
      return file;
    };
    const [active, own, chosen] = [await make("active"), await make(".venv"), await make("chosen")];
    const env = { VIRTUAL_ENV: path.join(dir, "active"), PATH: "/usr/bin:/bin" };
    const find = (wanted?: string, fallback?: string, environment: NodeJS.ProcessEnv = env): string =>
      findInterpreter({ wanted, fallback, baseDir: dir, env: environment });
    expect(find("chosen/bin/python", active)).toBe(chosen);
    expect(find(undefined, chosen)).toBe(chosen);
    expect(find()).toBe(active);
    expect(find(undefined, undefined, { PATH: "" })).toBe(own);
    expect(() => find("/no/such/python")).toThrow(expect.objectContaining({ code: "python_unusable" }));
    expect(() => find("data.csv")).toThrow(expect.objectContaining({ code: "python_unusable" }));
  });

  test("a program is looked for where the shell would", () => {
    expect(resolveProgram("sh", dir, { PATH: "/nowhere:/bin" })).toBe("/bin/sh");
    expect(resolveProgram("no-such-program", dir)).toBeNull();
    expect(resolveProgram("./data.csv", dir)).toBeNull();
  });
});
