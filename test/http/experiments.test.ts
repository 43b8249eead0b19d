/** Experiments and their manifests over HTTP, against run folders as servers, scripts and sweeps leave them. */
import { readFile, writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../protocol/json.ts";
import { newSweepId } from "../../protocol/ids.ts";
import type { RunRecord } from "../../protocol/run.ts";
import { SweepRecord } from "../../protocol/sweep.ts";
import type { RunSpecInput } from "../../protocol/spec.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { resolvedSpec } from "../store/fixtures.ts";
import { LiveServer } from "./live-server.ts";

const PROJECT = "summaries";
const NAME = "learning-rate";
const one = { params: { project: PROJECT, experiment: NAME } };

let live: LiveServer;
beforeEach(async () => {
  live = await LiveServer.folder();
});
afterEach(() => live.remove());

const at = (hour: number): string => `2026-01-31T${String(hour).padStart(2, "0")}:00:00.000Z`;

interface Added {
  readonly hour: number;
  readonly params?: JsonObject;
  readonly document?: Partial<RunSpecInput>;
  readonly record?: Partial<RunRecord>;
}

/** A run of the experiment that was started at an hour. */
async function add({ hour, params = {}, document = {}, record = {} }: Added): Promise<RunFolder> {
  const times = { created_at: at(hour), started_at: at(hour), ended_at: at(hour + 1) };
  const folder = await live.addRun({ project: PROJECT, experiment: NAME, recipe: "hf-causal-lm", ...times, ...record });
  const { id, recipe } = folder.record;
  await writeFile(folder.paths.specYaml, stringify({ recipe, project: PROJECT, experiment: NAME, params, ...document }));
  await writeFile(folder.paths.resolvedJson, JSON.stringify({ ...resolvedSpec(id, folder.paths.dir), recipe, params }));
  return folder;
}

describe("manifests", () => {
  it("are the configurations that an experiment had, with what changed, its runs and their times", async () => {
    const first = await add({ hour: 8, params: { learning_rate: 1e-3, seed: 1, lora: { r: 8 } } });
    const replicate = await add({
      hour: 9,
      params: { learning_rate: 1e-3, seed: 2, lora: { r: 8 } },
      record: { name: "another name", seed: 2 },
    });
    const lower = await add({ hour: 10, params: { learning_rate: 1e-4, seed: 1, lora: { r: 16 } } });
    const again = await add({ hour: 11, params: { learning_rate: 1e-3, seed: 3, lora: { r: 8 } } });
    await add({ hour: 12, params: { learning_rate: 9 }, record: { experiment: "another" } });
    await add({ hour: 13, params: { learning_rate: 9 }, record: { state: "draft", attempt: 0, started_at: null, ended_at: null } });
    await live.start();

    const { manifests } = await live.client.call("listManifests", one);
    expect(manifests).toMatchObject([
      { time: at(8), last_time: at(9), changed: [], runs: [first.record.id, replicate.record.id] },
      { time: at(10), last_time: at(10), changed: ["params.learning_rate", "params.lora.r"], runs: [lower.record.id] },
      { time: at(11), last_time: at(11), changed: ["params.learning_rate", "params.lora.r"], runs: [again.record.id] },
    ]);
    expect(manifests[0]?.configuration).toEqual({
      recipe: "hf-causal-lm",
      params: { learning_rate: 1e-3, lora: { r: 8 } },
      args: [],
      env: {},
      sweep: null,
    });
    expect(manifests[0]?.spec).toMatchObject({ experiment: NAME, params: { seed: 1 } });

    const manifest = (time: string) => live.client.call("getManifest", { params: { ...one.params, time } });
    expect(await manifest("latest")).toEqual(manifests[2]);
    for (const { time } of manifests) expect(await manifest(time)).toMatchObject({ time });
    expect(await manifest("2026-01-31T10:59:59Z")).toEqual(manifests[1]);
    // The same instant on another clock.
    expect(await manifest("2026-01-31T12:30:00+02:00")).toEqual(manifests[1]);
    expect(await manifest("2030-01-01T00:00:00Z")).toEqual(manifests[2]);
    await expect(manifest("2026-01-31T07:59:59.999Z")).rejects.toMatchObject({
      code: "not_found",
      hint: expect.stringContaining(at(8)) as string,
    });
  });

  it("tell arguments and variables apart, but not the shell, the name or the folder", async () => {
    const program = { recipe: "command", record: { recipe: "command" } };
    await add({ hour: 1, ...program, document: { args: ["lr=1"], env: { PATH: "/a" }, cwd: "/a", grace_seconds: 5 } });
    await add({ hour: 2, ...program, document: { args: ["lr=1"], env: { PATH: "/b" }, cwd: "/b", name: "other", tags: ["x"] } });
    await add({ hour: 3, ...program, document: { args: ["lr=2"] } });
    await add({ hour: 4, ...program, document: { args: ["lr=2"], env: { SIZE: "large" } } });
    await live.start();
    const { manifests } = await live.client.call("listManifests", one);
    expect(manifests.map(({ changed, runs }) => [changed, runs.length])).toEqual([
      [[], 2],
      [["args"], 1],
      [["env.SIZE"], 1],
    ]);
  });

  it("take what a script reported for its params, without results and places", async () => {
    for (const [hour, lr] of [1e-3, 1e-3, 1e-4].entries()) {
      const { record, paths } = await add({ hour, params: { script: "train.py" }, record: { recipe: "script", origin: "sdk" } });
      const params = { lr, output_dir: `/tmp/${String(hour)}`, cache: `${paths.dir}/cache`, summary: { train_loss: hour }, run: record.id };
      await writeFile(paths.attempt(1).reportJsonl, `${JSON.stringify({ type: "params", time: hour + 1, params })}\n`);
    }
    await live.start();
    const { manifests } = await live.client.call("listManifests", one);
    expect(manifests.map(({ changed, runs }) => [changed, runs.length])).toEqual([
      [[], 2],
      [["params.lr"], 1],
    ]);
    expect(manifests[1]?.configuration.params).toMatchObject({ script: "train.py", lr: 1e-4, run: "RUN" });
  });

  it("hold a sweep as one configuration, whatever is started beside it", async () => {
    const id = newSweepId();
    const sweep = { method: "grid" as const, params: { learning_rate: [1, 2, 3] } };
    const points: RunFolder[] = [];
    for (const [index, hour] of [1, 3, 4].entries())
      points.push(await add({ hour, params: { learning_rate: index + 1, batch: 8 }, record: { sweep: { id, index } } }));
    const beside = await add({ hour: 2, params: { learning_rate: 7, batch: 8 } });
    const store = await openStore(live.store);
    const spec = { recipe: "hf-causal-lm", project: PROJECT, experiment: NAME, params: { batch: 8 }, sweep };
    const runs = points.map(({ record }, index) => ({ run: record.id, params: { learning_rate: index + 1 }, seed: null }));
    const plan = {
      version: 1,
      id,
      project: PROJECT,
      name: "grid",
      spec,
      base_dir: null,
      created_at: at(1),
      points: runs,
      made: 3,
      stopped: null,
    };
    await store.sweeps.write(SweepRecord.parse(plan));
    store.close();
    await live.start();
    const { manifests } = await live.client.call("listManifests", one);
    expect(manifests).toMatchObject([
      { time: at(1), last_time: at(4), runs: points.map(({ record }) => record.id), configuration: { params: { batch: 8 }, sweep } },
      { time: at(2), runs: [beside.record.id], configuration: { sweep: null } },
    ]);
    expect(manifests[1]?.changed).toEqual(expect.arrayContaining(["params.learning_rate", "sweep.method", "sweep.params.learning_rate"]));
  });

  it("are read although a document is damaged", async () => {
    const { paths } = await add({ hour: 1, params: { a: 1 } });
    await writeFile(paths.specYaml, ": : not: [yaml");
    await add({ hour: 2, params: { a: 1 } });
    await live.start();
    expect((await live.client.call("listManifests", one)).manifests).toMatchObject([
      { spec: null, runs: [expect.anything(), expect.anything()] },
    ]);
  });

  it("refuse what is not there, and times that are none", async () => {
    await add({ hour: 1, record: { state: "draft", attempt: 0, started_at: null, ended_at: null } });
    await live.start();
    const base = `/api/projects/${PROJECT}/experiments`;
    for (const [path, status, code, text] of [
      [`${base}/learning-rat/manifests`, 404, "not_found", "Did you mean learning-rate?"],
      [`/api/projects/none/experiments/${NAME}/manifests`, 404, "not_found", "none"],
      [`${base}/${NAME}/manifests/latest`, 404, "not_found", "has started yet"],
      [`${base}/${NAME}/manifests/yesterday`, 400, "bad_request", "write latest"],
      [`${base}/${NAME}/manifests/2026-13-41T00:00:00Z`, 400, "bad_request", "write latest"],
      [`${base}/${"x".repeat(300)}/manifests`, 400, "bad_request", "experiment"],
      ["/api/experiments?project=..", 400, "bad_request", "project"],
    ] as const) {
      const answer = await live.fetch(path);
      expect([path, answer.status]).toEqual([path, status]);
      const body = await answer.text();
      expect(JSON.parse(body)).toMatchObject({ error: { code } });
      expect(body).toContain(text);
    }
    expect((await live.client.call("listManifests", one)).manifests).toEqual([]);
  });
});

describe("experiments", () => {
  it("are listed with their counts, filtered and grouped by, changed and taken away", async () => {
    const a = await add({ hour: 1 });
    const b = await add({ hour: 2, record: { state: "failed" } });
    const other = await add({ hour: 3, record: { project: "others", experiment: "a b/c" } });
    const none = await add({ hour: 4, record: { experiment: null } });
    await live.start();
    const list = async (project?: string) =>
      (await live.client.call("listExperiments", { query: project === undefined ? {} : { project } })).experiments;
    expect(await list()).toEqual([
      { project: "others", name: "a b/c", run_count: 1, run_counts: { completed: 1 }, first_run_at: at(3), last_run_at: at(3) },
      { project: PROJECT, name: NAME, run_count: 2, run_counts: { completed: 1, failed: 1 }, first_run_at: at(1), last_run_at: at(2) },
    ]);
    // A name that somebody wrote by hand.
    const odd = { params: { project: "others", experiment: "a b/c" } };
    expect((await live.client.call("listManifests", odd)).manifests).toMatchObject([{ runs: [other.record.id] }]);

    const edit = (id: string, experiment: string | null) => live.client.call("editRun", { params: { id }, body: { experiment } });
    expect(await edit(none.record.id, NAME)).toMatchObject({ experiment: NAME });
    expect(JSON.parse(await readFile(none.paths.runJson, "utf8"))).toMatchObject({ experiment: NAME });
    await live.client.call("changeRuns", { body: { runs: [a.record.id, b.record.id], action: { do: "edit", experiment: null } } });
    expect(await list(PROJECT)).toMatchObject([{ name: NAME, run_count: 1 }]);
    const refused = await live.fetch(`/api/runs/${a.record.id}`, { method: "PATCH", body: JSON.stringify({ experiment: "../up" }) });
    expect(refused.status).toBe(400);

    const filter = `record.experiment = "${NAME}"`;
    expect(await live.client.call("listRuns", { query: { filter } })).toMatchObject({ total: 1 });
    const { groups } = await live.client.call("aggregate", { body: { group_by: ["record.experiment"], values: ["record.attempt"] } });
    expect(groups.map(({ key, runs }) => [key[0], runs])).toEqual(
      expect.arrayContaining([
        [NAME, 1],
        ["a b/c", 1],
        [null, 2],
      ]),
    );
  });

  it("come from the document, and go on with drafts, clones and edits", async () => {
    await live.start();
    const spec = { recipe: "command", project: PROJECT, experiment: NAME, params: { command: ["true"] } };
    const draft = await live.client.call("createRun", { body: { spec, start: false } });
    expect(draft).toMatchObject({ experiment: NAME, spec: { experiment: NAME } });
    const params = { id: draft.id };
    expect(await live.client.call("editDraft", { params, body: { spec: { ...spec, experiment: "other" } } })).toMatchObject({
      experiment: "other",
    });
    await live.client.call("editRun", { params, body: { experiment: "third" } });
    expect(await live.client.call("cloneRun", { params, body: {} })).toMatchObject({ experiment: "third", spec: { experiment: "third" } });
    const odd = await live.fetch("/api/runs", { method: "POST", body: JSON.stringify({ spec: { ...spec, experiment: "a b" } }) });
    expect(odd.status).toBe(400);
  });

  it("are known of runs that a later server has not in memory", async () => {
    await add({ hour: 1 });
    await live.start();
    const before = await live.client.call("listExperiments");
    await live.client.call("refresh");
    await live.server.close();
    await live.start();
    expect(await live.client.call("listExperiments")).toEqual(before);
  });
});
