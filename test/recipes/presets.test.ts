/** Presets of the workspace: files that stand among the presets of their recipe, over the interface as a page uses it. */
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { JsonObject } from "../../protocol/json.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { COMMAND_RECIPE } from "../../server/recipes/command-recipe.ts";
import { deletePreset, savePreset, withOwnPresets } from "../../server/recipes/presets.ts";
import { resolveParams } from "../../server/recipes/resolve.ts";

const RECIPE: Recipe = { ...COMMAND_RECIPE, id: "hf-lora", presets: { base: { title: "Base", values: { lora_r: 8 } } } };
let dir: string;
beforeAll(async () => {
  dir = await realpath(await mkdtemp(path.join(os.tmpdir(), "trainyard-presets-")));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const save = (name: string, values: JsonObject, title?: string): Promise<string> =>
  savePreset(RECIPE, dir, { recipe: RECIPE.id, name, values, ...(title !== undefined && { title }) });

it("are plain YAML, which a person can write and which applies as any preset", async () => {
  const file = await save("wide", { lora_r: 64, target_modules: ["q_proj"] }, "Wide adapter");
  expect(file).toBe(path.join(dir, "trainyard_presets", "hf-lora", "wide.yaml"));
  expect(await readFile(file, "utf8")).toBe("title: Wide adapter\nvalues:\n  lora_r: 64\n  target_modules:\n    - q_proj\n");
  await writeFile(path.join(path.dirname(file), "by-hand.yaml"), "# mine\nvalues: { lora_r: 2 }\n");
  const { recipe, problems } = await withOwnPresets(RECIPE, dir);
  expect(problems).toEqual([]);
  expect(Object.entries(recipe.presets).map(([name, preset]) => [name, preset.title])).toEqual([
    ["base", "Base"],
    ["by-hand", "by-hand"],
    ["wide", "Wide adapter"],
  ]);
  expect(recipe.presets["wide"]?.file).toBe(file);
  expect(resolveParams(recipe, { preset: "wide", spec: { lora_r: 3 } })).toEqual({
    params: { lora_r: 3, target_modules: ["q_proj"] },
    sources: { lora_r: "spec", target_modules: "preset" },
  });
});

it("are replaced and removed; those of the recipe are not", async () => {
  await save("wide", { lora_r: 32 });
  expect((await withOwnPresets(RECIPE, dir)).recipe.presets["wide"]).toMatchObject({ title: "wide", values: { lora_r: 32 } });
  await expect(save("base", {})).rejects.toMatchObject({ code: "conflict" });
  await deletePreset(dir, { recipe: RECIPE.id, name: "wide" });
  expect((await withOwnPresets(RECIPE, dir)).recipe.presets["wide"]).toBeUndefined();
  await expect(deletePreset(dir, { recipe: RECIPE.id, name: "wide" })).rejects.toMatchObject({ code: "not_found" });
  await expect(deletePreset(dir, { recipe: "..", name: "wide" })).rejects.toThrow();
});

it.each([
  ["broken", "values: [1", /broken\.yaml: /],
  ["shapeless", "- 1\n", /shapeless\.yaml: .*object/],
  ["valueless", "title: T\n", /valueless\.yaml: values: /],
  ["misspelt", "values: {}\nvaleus: {}\n", /misspelt\.yaml: .*valeus/],
  ["base", "values: {}\n", /has a preset base of its own/],
])("that are wrong are named, and the others are there: %s", async (name, text, words) => {
  const folder = path.join(dir, "trainyard_presets", RECIPE.id);
  await mkdir(folder, { recursive: true });
  await save("good", { lora_r: 1 });
  await writeFile(path.join(folder, `${name}.yaml`), text);
  const { recipe, problems } = await withOwnPresets(RECIPE, dir);
  await rm(path.join(folder, `${name}.yaml`));
  expect(problems.map(({ message }) => message)).toEqual([expect.stringMatching(words)]);
  expect(recipe.presets["good"]?.values).toEqual({ lora_r: 1 });
  expect(recipe.presets["base"]?.title).toBe("Base");
});
