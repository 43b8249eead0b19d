/** Exported adapters: PEFT loads them and computes what the trained ones did; what is no adapter, or would overwrite, is refused. */
import { copyFile, mkdir, readdir, readFile, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import type { RouteBody } from "../../protocol/routes.ts";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { LiveServer } from "../http/live-server.ts";
import { python } from "../support/machine.ts";
import { runProgram } from "../support/processes.ts";

const NAME = "lora | with `ticks` and [links](x)";
let live: LiveServer;
let run: RunFolder;
let trained: number[][];
let base: string;
const checkpoint = (step: number): string => path.join(run.paths.checkpoints, `checkpoint-${String(step)}`);
const to = (name: string): string => path.join(live.root, "out", name);
const exportAdapter = (body: RouteBody<"exportAdapter">) => live.client.call("exportAdapter", { params: { id: run.record.id }, body });

async function adapters(task: "make" | "check", folders: readonly string[]): Promise<number[][]> {
  const { code, stdout, stderr } = await runProgram(python(), [path.resolve("test/export/adapter.py"), task, base, ...folders], {
    cwd: live.root,
    env: { OMP_NUM_THREADS: "1", HF_HUB_OFFLINE: "1", CUDA_VISIBLE_DEVICES: "" },
    timeoutMs: 120_000,
  });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as number[][];
}

/** As the Trainer leaves it, long ago, so that a torn one does not count as being written. */
async function finish(folder: string, step: number): Promise<void> {
  await writeFile(path.join(folder, "trainer_state.json"), JSON.stringify({ global_step: step, log_history: [] }));
  for (const name of [...(await readdir(folder)), "."]) await utimes(path.join(folder, name), 1_700_000_000, 1_700_000_000 + step);
}

beforeAll(async () => {
  live = await LiveServer.folder();
  base = path.join(live.root, "base");
  run = await live.addRun({
    name: NAME,
    state: "cancelled",
    recipe: "hf-lora",
    git: { root: "/code", commit: "0123456789abcdef0123456789abcdef01234567", branch: "main", remote: null, dirty_files: 2 },
  });
  const resolved = JSON.parse(await readFile(run.paths.resolvedJson, "utf8")) as object;
  const params = {
    train_file: "data/sums.jsonl",
    learning_rate: 0.01,
    weight_decay: 0,
    hub_token: "hf_1",
    more: { api_key: "sk-1", seed: 2 },
  };
  const sources = { train_file: "spec", learning_rate: "override", weight_decay: "recipe default", hub_token: "spec", more: "spec" };
  await writeFile(run.paths.resolvedJson, JSON.stringify({ ...resolved, params, sources }));
  const metrics = await MetricFileWriter.open(run.paths.attempt(1).metrics);
  for (const [step, loss] of [
    [10, 0.5],
    [20, 0.25],
    [30, NaN],
  ] as const)
    await metrics.append(1_767_225_600_000 + step, step, { "eval/loss": loss });
  await metrics.close();

  trained = await adapters("make", [checkpoint(10), checkpoint(20)]);
  await writeFile(path.join(checkpoint(20), "tokenizer.json"), "{}");
  for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
    await mkdir(checkpoint(30), { recursive: true });
    await copyFile(path.join(checkpoint(10), name), path.join(checkpoint(30), name));
  }
  await truncate(path.join(checkpoint(30), "adapter_model.safetensors"), 100);
  await mkdir(checkpoint(40));
  await copyFile(path.join(base, "model.safetensors"), path.join(checkpoint(40), "model.safetensors"));
  // The state of the optimizer is no part of an adapter.
  await writeFile(path.join(checkpoint(20), "optimizer.pt"), Buffer.from([0x80, 2]));
  await writeFile(path.join(checkpoint(20), "scheduler.pt"), Buffer.from([0x80, 2]));
  for (const step of [10, 20, 30, 40]) await finish(checkpoint(step), step);
  await live.start();
}, 120_000);
afterAll(() => live.remove());

it("writes folders that PEFT loads and that compute the same, to the bit", async () => {
  const newest = await exportAdapter({ to: to("newest") });
  expect(newest).toMatchObject({ checkpoint: "checkpoint-20", step: 20, folder: to("newest") });
  expect((await readdir(to("newest"))).sort()).toEqual(["README.md", "adapter_config.json", "adapter_model.safetensors", "tokenizer.json"]);
  await mkdir(to("there"));
  expect(await exportAdapter({ to: to("there"), step: 10 })).toMatchObject({ checkpoint: "checkpoint-10" });
  expect(await adapters("check", [to("there"), to("newest")])).toEqual(trained);
  expect(trained[0]).not.toEqual(trained[1]);
}, 120_000);

it("drafts a model card from what the run says, and from nothing else", async () => {
  await exportAdapter({ to: to("card"), checkpoint: "checkpoint-20" });
  const card = await readFile(path.join(to("card"), "README.md"), "utf8");
  const [, front, body] = card.split(/^---$/m) as [string, string, string];
  expect(parse(front)).toEqual({ base_model: base, library_name: "peft", datasets: ["data/sums.jsonl"], metrics: ["eval/loss"] });
  expect(body).toContain("# lora \\| with \\`ticks\\` and \\[links\\](x)\n");
  for (const row of [
    "| `r` | `2` |",
    "| `learning_rate` | `0.01` |",
    '| `more` | `{"seed":2}` |',
    "| `eval/loss` | NaN (step 30) | 0.25 (step 20) | 0.5 (step 10) |",
    `| \`run\` | \`${run.record.id}\` |`,
    "| `git commit` | `0123456789abcdef0123456789abcdef01234567` |",
    "| `files changed since the commit` | `2` |",
    `| \`trainyard\` | \`${(await live.client.call("getServer")).version}\` |`,
  ])
    expect(body).toContain(row);
  expect(body).not.toMatch(/weight_decay|hf_1|sk-1|null|undefined/);
});

it("refuses what is torn or no adapter, and says what to do", async () => {
  for (const [body, code, message] of [
    [{ step: 30 }, "bad_checkpoint", "checkpoint-30 is torn: adapter_model.safetensors is cut short"],
    [{ checkpoint: "checkpoint-40" }, "bad_checkpoint", "holds no adapter"],
    [{ step: 31 }, "not_found", "no checkpoint of step 31"],
    [{ checkpoint: "last" }, "not_found", "no checkpoint last"],
    [{ checkpoint: "checkpoint-20", step: 20 }, "bad_request", "step"],
  ] as const) {
    const refused = await exportAdapter({ to: to("refused"), ...body }).then(
      () => null,
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ code });
    expect(JSON.stringify([refused, (refused as Error).message])).toContain(message);
    if (code !== "bad_request") expect(refused).toMatchObject({ hint: expect.any(String) as string });
  }
  const bare = await live.addRun();
  await live.client.call("refresh");
  await expect(live.client.call("exportAdapter", { params: { id: bare.record.id }, body: { to: to("refused") } })).rejects.toMatchObject({
    code: "bad_checkpoint",
    hint: "It has saved no checkpoint yet.",
  });
  expect(await readdir(path.dirname(to("refused")))).not.toContain("refused");
});

it("overwrites nothing and writes nowhere into the store", async () => {
  await mkdir(to("taken"), { recursive: true });
  const note = path.join(to("taken"), "README.md");
  await writeFile(note, "mine");
  await symlink(live.store, to("link"));
  for (const [place, code] of [
    [to("taken"), "conflict"],
    [note, "conflict"],
    [path.join(note, "below"), "conflict"],
    ["relative/folder", "bad_request"],
    [path.join(checkpoint(20), "adapter"), "bad_request"],
    [path.join(to("link"), "adapter"), "bad_request"],
    [path.join(live.root, "x".repeat(300)), "bad_request"],
    [`${live.root}\0`, "bad_request"],
  ] as const)
    await expect(exportAdapter({ to: place }), place).rejects.toMatchObject({ code });
  expect(await readFile(note, "utf8")).toBe("mine");
  expect(await readdir(to("taken"))).toEqual(["README.md"]);
});

it("takes the final model of a completed run", async () => {
  const done = await live.addRun({ state: "completed" });
  const model = path.join(done.paths.artifacts, "model");
  await mkdir(model);
  for (const name of ["adapter_config.json", "adapter_model.safetensors"])
    await copyFile(path.join(checkpoint(10), name), path.join(model, name));
  const report = { type: "artifact", time: 1, path: "artifacts/model", name: "model", kind: "model", metadata: {} };
  await writeFile(done.paths.attempt(1).reportJsonl, `${JSON.stringify(report)}\n`);
  await live.client.call("refresh");
  expect(await live.client.call("exportAdapter", { params: { id: done.record.id }, body: { to: to("final") } })).toMatchObject({
    checkpoint: null,
    step: null,
    source: model,
  });
});
