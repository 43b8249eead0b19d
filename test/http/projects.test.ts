import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Project, ProjectDetail } from "../../protocol/queries.ts";
import { slugOf } from "../../protocol/ids.ts";
import { LiveServer } from "./live-server.ts";

let live: LiveServer;
beforeAll(async () => {
  live = await LiveServer.folder();
  await live.addRun({ name: "done", project: "older", state: "completed", started_at: "2026-01-01T00:00:00.000Z" });
  await live.start();
});
afterAll(async () => {
  await live.remove();
});

const SETTINGS = {
  description: "Summarize scientific articles",
  objective: "Reduce reading time",
  task_type: "summarization",
  base_model: "llama-2-13b",
  owner: "alice",
  tags: ["research", "phase-1"],
  defaults: { learning_rate: 3e-5, batch_size: 16 },
};

it("creates a project with all its fields under the folder name that its title gives", async () => {
  const created = Project.parse(await live.api.createProject({ body: { title: "Text Summarization", ...SETTINGS } }));
  expect(created).toMatchObject({ name: "text-summarization", status: "draft", revision: 1, run_count: 0, ...SETTINGS });
  const file = path.join(live.store, created.name, "project.json");
  expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ version: 1, ...SETTINGS });
  const again = live.api.createProject({ body: { name: "Text-Summarization" } });
  await expect(again).rejects.toMatchObject({ code: "conflict", hint: "Text-Summarization-2 is free." });
  await expect(live.api.createProject({ body: {} })).rejects.toMatchObject({ code: "bad_request" });
  await expect(live.api.createProject({ body: { name: "../up" } })).rejects.toMatchObject({ code: "bad_request" });
});

it("edits it, keeps every revision, and archives it", async () => {
  const params = { project: "text-summarization" };
  const edit = (body: object) => live.api.editProject({ path: params, body });
  await edit({ owner: "bob", defaults: { learning_rate: 1e-5 } });
  expect((await edit({ owner: "bob" })).revision).toBe(2);
  expect((await edit({ archived: true })).status).toBe("archived");
  expect((await edit({ archived: false })).status).toBe("draft");
  const { revisions } = await live.api.listProjectRevisions({ path: params });
  expect(revisions.map(({ revision, changed }) => [revision, changed])).toEqual([
    [1, ["title", "description", "objective", "task_type", "base_model", "owner", "tags", "defaults"]],
    [2, ["owner", "defaults"]],
    [3, ["archived"]],
    [4, ["archived"]],
  ]);
  expect(revisions[0]?.settings).toMatchObject({ title: "Text Summarization", ...SETTINGS });
  await expect(edit({ colour: "red" })).rejects.toMatchObject({ code: "bad_request" });
  await expect(live.api.editProject({ path: { project: "none" }, body: {} })).rejects.toMatchObject({ code: "not_found" });
});

it("is active once a run has started, and names its runs", async () => {
  const detail = ProjectDetail.parse(await live.api.getProject({ path: { project: "older" } }));
  expect(detail).toMatchObject({ status: "active", run_count: 1, run_counts: { completed: 1 } });
  expect(detail.runs.map((run) => run.name)).toEqual(["done"]);
  await expect(live.api.getProject({ path: { project: "none" } })).rejects.toMatchObject({ code: "not_found" });
});

it("hands its defaults down to runs, below what the spec says", async () => {
  await live.api.createProject({ body: { name: "inherits", defaults: { command: ["true"], unknown_here: 1 } } });
  const plan = await live.api.dryRun({ body: { spec: { recipe: "command", project: "inherits" } } });
  expect([plan.command, plan.resolved.sources["command"]]).toEqual([["true"], "project default"]);
  const own = await live.api.dryRun({ body: { spec: { recipe: "command", project: "inherits", params: { command: ["ls"] } } } });
  expect([own.command, own.resolved.sources["command"]]).toEqual([["ls"], "spec"]);
});

it("leaves a project.json alone that it cannot read", async () => {
  const file = path.join(live.store, "older", "project.json");
  await writeFile(file, "{ torn");
  await expect(live.api.editProject({ path: { project: "older" }, body: { owner: "x" } })).rejects.toMatchObject({
    code: "corrupt_record",
  });
  expect(await readFile(file, "utf8")).toBe("{ torn");
  expect((await live.api.listProjects()).projects.map((project) => project.name)).toContain("older");
});

it.each([
  ["Text Summarization", "text-summarization"],
  ["  Ünïcode & más  ", "unicode-mas"],
  ["..hidden", "hidden"],
  ["日本", null],
])("makes a folder name of %j", (title, name) => {
  expect(slugOf(title)).toBe(name);
});

it("computes a project's derived metrics for its runs, and refuses a ring with its place", async () => {
  const run = await live.addRun({ name: "measured", project: "measuring", seed: 3 });
  await live.api.refresh();
  const params = { project: "measuring" };
  const edit = (derived: Record<string, string>) => live.api.editProject({ path: params, body: { derived } });
  await edit({ next: "record.seed + 1", square: "derived.next ^ 2", never: "metrics.loss" });
  const { derived } = await live.api.getDerived({ path: { id: run.record.id } });
  expect(derived).toEqual({ next: 4, square: 16, never: null });
  const { runs } = await live.api.listRuns({ query: { filter: "derived.square = 16" } });
  expect(runs.map((one) => one.name)).toEqual(["measured"]);
  await expect(edit({ a: "derived.b", b: "derived.a" })).rejects.toMatchObject({
    code: "bad_request",
    problems: [{ field: "derived.b", span: { start: 0, end: 9 } }],
  });
  expect((await live.api.getProject({ path: params })).derived).toHaveProperty("square");
  const preview = await live.api.evaluate({ body: { expression: "record.seed * 10", project: "measuring" } });
  expect(preview).toMatchObject({ total: 1, present: 1, values: [{ name: "measured", value: 30 }] });
});
