import { mkdir, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Comparison, LogMatches } from "../../protocol/drafts.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { LiveServer } from "./live-server.ts";

let live: LiveServer;
let logged: RunFolder;

beforeAll(async () => {
  live = await LiveServer.folder();
  logged = await live.addRun({ name: "logged", project: "logs", seed: 1 });
  await live.addRun({ name: "other", project: "elsewhere" });
  await mkdir(logged.paths.attempt(1).dir, { recursive: true });
  await writeFile(
    logged.paths.attempt(1).log,
    Array.from({ length: 30 }, (_, n) => (n % 10 === 0 ? `needle ${n}` : `hay ${n}`)).join("\n") + "\n",
  );
  await live.start();
});
afterAll(async () => {
  await live.remove();
});

const spec = (name: string, params: object = {}) => ({
  recipe: "command",
  project: "drafts",
  name,
  params: { command: ["true"], ...params },
});

it("edits a draft until it starts, and not afterwards", async () => {
  const draft = await live.api.createRun({ body: { spec: spec("first"), start: false } });
  const params = { id: draft.id };
  const source = "# mine\nrecipe: command\nproject: drafts\nname: renamed\nparams: {command: [sh, -c, exit 0]}\n";
  const document = { spec: { ...spec("renamed", { command: ["sh", "-c", "exit 0"] }), tags: ["t"] }, source };
  const edited = await live.api.editDraft({ path: params, body: document });
  expect(edited).toMatchObject({ state: "draft", name: "renamed", tags: ["t"], params: { command: ["sh", "-c", "exit 0"] } });
  expect(await readFile(`${edited.run_dir}/spec.yaml`, "utf8")).toBe(source);
  const moved = { spec: { ...spec("x"), project: "elsewhere" } };
  await expect(live.api.editDraft({ path: params, body: moved })).rejects.toMatchObject({ code: "conflict" });
  const wrong = { spec: { ...spec("x"), recipe: "none-such" } };
  await expect(live.api.editDraft({ path: params, body: wrong })).rejects.toMatchObject({ code: "unknown_recipe" });
  expect((await live.api.getRun({ path: params })).name).toBe("renamed");
  await live.api.cancelRun({ path: params, body: {} });
  await expect(live.api.editDraft({ path: params, body: document })).rejects.toMatchObject({ code: "conflict" });
});

it("clones a run into a draft with a name of its own, and says which names are free", async () => {
  const draft = await live.api.createRun({ body: { spec: spec("base", { command: ["true", "a"] }), start: false } });
  const clone = await live.api.cloneRun({ path: { id: draft.id }, body: { params: { command: ["true", "b"] } } });
  expect(clone).toMatchObject({ name: "base 2", state: "draft", project: "drafts", params: { command: ["true", "b"] } });
  expect(clone.parent).toEqual({ run: draft.id, checkpoint: null, step: null });
  const check = (name: string) => live.api.checkName({ query: { project: "drafts", name } });
  expect(await check("base")).toEqual({ available: false, suggestion: "base 3" });
  expect(await check("base 2")).toEqual({ available: false, suggestion: "base 3" });
  expect(await check("fresh")).toEqual({ available: true, suggestion: "fresh" });
  const compared = Comparison.parse(await live.api.compareRuns({ query: { runs: `${draft.id},${clone.id}` } }));
  expect(compared.differences).toEqual([
    {
      field: "params.command",
      values: [
        ["true", "a"],
        ["true", "b"],
      ],
    },
  ]);
  expect(compared.same).toBeGreaterThan(2);
  await expect(live.api.compareRuns({ query: { runs: draft.id } })).rejects.toMatchObject({ code: "bad_request" });
});

it("finds lines with those around them, in a run, a project or the store", async () => {
  const find = async (query: object) => LogMatches.parse(await live.api.searchLogs({ query: { search: "NEEDLE", ...query } }));
  const all = await find({ run: logged.record.id, context: 1 });
  expect(
    all.matches.map((match) => [match.before.map((line) => line.text), match.line.text, match.after.map((line) => line.text)]),
  ).toEqual([
    [[], "needle 0", ["hay 1"]],
    [["hay 9"], "needle 10", ["hay 11"]],
    [["hay 19"], "needle 20", ["hay 21"]],
  ]);
  expect(await find({ project: "logs", limit: 2 })).toMatchObject({ total: 3, truncated: true, matches: [{}, {}] });
  expect((await find({})).total).toBe(3);
  expect(await find({ project: "elsewhere" })).toEqual({ matches: [], total: 0, truncated: false });
});
