/** Templates of the workspace: run documents as they were written, comments and all. */
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { deleteTemplate, listTemplates, saveTemplate } from "../../server/recipes/templates.ts";
import { MAX_TEMPLATE_LENGTH } from "../../protocol/preset.ts";

let dir: string;
beforeEach(async () => {
  dir = await realpath(await mkdtemp(path.join(os.tmpdir(), "trainyard-templates-")));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const TEXT = "# for short texts\nrecipe: hf-lora\nparams:\n  lora_r: 64 # wide\nsweep:\n  method: grid\n  params: { seed: [1, 2] }\n";

it("are kept as they were written, replaced, and removed", async () => {
  expect(await listTemplates(dir)).toEqual([]);
  const file = await saveTemplate(dir, { name: "wide", text: TEXT });
  expect(file).toBe(path.join(dir, "trainyard_templates", "wide.run.yaml"));
  expect(await readFile(file, "utf8")).toBe(TEXT);
  expect(await listTemplates(dir)).toEqual([{ name: "wide", file, text: TEXT, problem: null, line: null }]);
  await saveTemplate(dir, { name: "wide", text: "recipe: script\n" });
  expect((await listTemplates(dir)).map(({ text }) => text)).toEqual(["recipe: script\n"]);
  await deleteTemplate(dir, { name: "wide" });
  expect(await listTemplates(dir)).toEqual([]);
  await expect(deleteTemplate(dir, { name: "wide" })).rejects.toMatchObject({ code: "not_found" });
});

it.each([
  ["recipe: script\nparams: [1\n", 3, /line 3/],
  ["recipe: script\n# a note\nparms: {}\n", 3, /line 3: parms is not a field/],
  ["recipe: script\nparams: 7\n", 2, /line 2: params: /],
  ["- 1\n", null, /mapping/],
  ["", null, /recipe/],
])("that are wrong say where, are not saved, and hide no other: %j", async (text, line, words) => {
  await saveTemplate(dir, { name: "good", text: TEXT });
  await expect(saveTemplate(dir, { name: "good", text })).rejects.toMatchObject({ code: "invalid_spec" });
  await writeFile(path.join(dir, "trainyard_templates", "bad.run.yaml"), text);
  const [bad, good] = await listTemplates(dir);
  expect(bad).toMatchObject({ name: "bad", text: null, line });
  expect(bad?.problem?.message).toMatch(words);
  expect(good).toMatchObject({ name: "good", text: TEXT, problem: null });
});

it("that are no files, or are too large, say so", async () => {
  const folder = path.join(dir, "trainyard_templates");
  await mkdir(path.join(folder, "a.run.yaml"), { recursive: true });
  await writeFile(path.join(folder, "b.run.yaml"), "#".repeat(MAX_TEMPLATE_LENGTH + 1));
  await symlink(path.join(folder, "gone"), path.join(folder, "c.run.yaml"));
  await writeFile(path.join(folder, "notes.md"), "no template\n");
  const messages = (await listTemplates(dir)).map(({ name, problem }) => [name, problem?.message]);
  expect(messages).toEqual([
    ["a", expect.stringMatching(/a folder, not a file/)],
    ["b", expect.stringMatching(/at most/)],
    ["c", expect.stringMatching(/ENOENT/)],
  ]);
});

it.each(["..", "../x", "a/b", "/etc/x", ".hidden", ""])("have names that lead nowhere else: %j", async (name) => {
  await expect(saveTemplate(dir, { name, text: TEXT })).rejects.toThrow();
  await expect(deleteTemplate(dir, { name })).rejects.toThrow();
});
