/** What is recorded of datasets, by real files. */
import { cp, mkdir, mkdtemp, open, rm, truncate, utimes, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { DatasetState } from "../../protocol/dataset.ts";
import type { JsonValue } from "../../protocol/json.ts";
import { Recipe } from "../../protocol/recipe.ts";
import { datasetStates } from "../../server/runs/datasets.ts";

const field = (holds: "dataset" | "model") => ({
  type: "string",
  title: "",
  description: "",
  "x-section": "data",
  "x-order": 1,
  "x-path": { kind: "any", must_exist: false, holds },
});
const RECIPE = Recipe.parse({
  ...{ id: "r", title: "", description: "", framework: "", sections: [], presets: {}, requires: [], resumable: true, origin: "builtin" },
  schema: {
    ...{ $schema: "", type: "object", required: [], additionalProperties: false },
    properties: { data: field("dataset"), model: field("model") },
  },
});
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "trainyard-data-"));
  return () => rm(folder, { recursive: true });
});

const states = (data: JsonValue, timeLimitMs?: number): Promise<DatasetState[]> =>
  datasetStates(RECIPE, { data, model: "m.jsonl" }, folder, timeLimitMs);

async function only(data: JsonValue): Promise<DatasetState> {
  const [state, ...rest] = await states(data);
  expect(rest).toEqual([]);
  return state ?? expect.fail("nothing was recorded");
}

describe("the state of a dataset", () => {
  it("of a file: place, size, time; a copy has its fingerprint, a changed row of the same length has not", async () => {
    const file = path.join(folder, "a.jsonl");
    await writeFile(file, '{"text": "one"}\n');
    await utimes(file, 1_700_000_000, 1_700_000_000);
    const first = await only("a.jsonl");
    expect(first).toMatchObject({ param: "data", path: file, kind: "file", files: 1, bytes: 16, modified: "2023-11-14T22:13:20.000Z" });
    await writeFile(path.join(folder, "b.jsonl"), '{"text": "one"}\n');
    await writeFile(path.join(folder, "c.jsonl"), '{"text": "two"}\n');
    const [copy, changed] = await states(["b.jsonl", "c.jsonl"]);
    expect(copy?.fingerprint).toBe(first.fingerprint);
    expect(changed?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(changed?.fingerprint).not.toBe(first.fingerprint);
  });

  it("of a folder: all of its files, whatever hidden ones do", async () => {
    await mkdir(path.join(folder, "set/deep"), { recursive: true });
    await writeFile(path.join(folder, "set/a.txt"), "abc");
    await writeFile(path.join(folder, "set/deep/b.txt"), "de");
    const first = await only("set");
    expect(first).toMatchObject({ kind: "folder", files: 2, bytes: 5, complete: true });
    await cp(path.join(folder, "set"), path.join(folder, "copy"), { recursive: true });
    await writeFile(path.join(folder, "copy/.lock"), "x");
    expect((await only("copy")).fingerprint).toBe(first.fingerprint);
    await writeFile(path.join(folder, "copy/deep/b.txt"), "dx");
    expect((await only("copy")).fingerprint).not.toBe(first.fingerprint);
  });

  it("samples a file of any size, its last byte too", async () => {
    const file = path.join(folder, "large.bin");
    await writeFile(file, "head");
    await truncate(file, 20 * 1024 ** 3);
    const first = await only("large.bin");
    expect(first).toMatchObject({ bytes: 20 * 1024 ** 3, complete: true });
    const handle = await open(file, "r+");
    await handle.write("x", 20 * 1024 ** 3 - 1);
    await handle.close();
    expect((await only("large.bin")).fingerprint).not.toBe(first.fingerprint);
  });

  it("records nothing of what is not there, and no fingerprint where time ran out", async () => {
    expect(await states("user/dataset-on-a-hub")).toEqual([]);
    expect(await states(7)).toEqual([]);
    await writeFile(path.join(folder, "a.jsonl"), "x");
    expect(await states("a.jsonl", -1)).toMatchObject([{ bytes: 1, fingerprint: null }]);
  });
});
