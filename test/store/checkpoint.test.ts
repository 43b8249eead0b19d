import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Checkpoint } from "../../protocol/artifact.ts";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import { checkSafetensors, checkTorchFile } from "../../server/store/file-checks.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunPaths, RunStore } from "../../server/store/types.ts";
import { resolvedSpec, runRecord } from "./fixtures.ts";

let root: string;
let store: RunStore;
let id: RunId;
let paths: RunPaths;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "trainyard-ckpt-"));
  store = await openStore(path.join(root, "store"));
  id = newRunId();
  ({ paths } = await store.create(runRecord({ id }), { specYaml: "", resolved: resolvedSpec(id, "/x") }));
  await mkdir(paths.attempt(1).dir, { recursive: true });
  await mkdir(paths.attempt(2).dir, { recursive: true });
});
afterEach(async () => {
  store.close();
  await rm(root, { recursive: true, force: true });
});

function safetensors(): Buffer {
  const header = Buffer.from(JSON.stringify({ __metadata__: { format: "pt" }, w: { dtype: "F32", shape: [4], data_offsets: [0, 16] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(16, 1)]);
}

/** A zip of stored entries, as torch.save writes it. */
function torchZip(pickle = "pickle"): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of [
    ["archive/data.pkl", pickle],
    ["archive/data/0", "0123456789abcdef"],
  ] as const) {
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt32LE(text.length, 18);
    local.writeUInt32LE(text.length, 22);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt32LE(text.length, 20);
    entry.writeUInt32LE(text.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    const content = Buffer.concat([local, Buffer.from(name + text)]);
    locals.push(content);
    directory.push(entry, Buffer.from(name));
    offset += content.length;
  }
  const table = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(2, 8);
  end.writeUInt16LE(2, 10);
  end.writeUInt32LE(table.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, table, end]);
}

async function writeHuggingFace(folder: string, step: number, files: Record<string, Buffer | string | null> = {}): Promise<string> {
  const all: Record<string, Buffer | string | null> = {
    "config.json": "{}",
    "model.safetensors": safetensors(),
    "optimizer.pt": torchZip(),
    "scheduler.pt": torchZip(),
    "rng_state.pth": torchZip(),
    "training_args.bin": "not looked at",
    "trainer_state.json": `{"global_step": ${String(step)}, "log_history": [{"step": ${String(step)}, "eval_loss": NaN, "eval_runtime": 3}, {"step": 1, "eval_acc": 1}]}`,
    ...files,
  };
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(all)) if (content !== null) await writeFile(path.join(folder, name), content);
  return folder;
}

/** Makes it look settled: what is broken is torn, not being written. */
async function age(folder: string): Promise<void> {
  const old = new Date(Date.now() - 3_600_000);
  const { readdir } = await import("node:fs/promises");
  const entries = await readdir(folder).catch(() => []);
  for (const name of [...entries, ""]) await utimes(path.join(folder, name), old, old);
}

async function report(attempt: number, record: Record<string, unknown>): Promise<void> {
  const full = {
    type: "checkpoint",
    time: 1_700_000_000 + attempt,
    kind: "full",
    framework: "huggingface",
    metrics: {},
    final: false,
    ...record,
  };
  await appendFile(paths.attempt(attempt).reportJsonl, JSON.stringify(full) + "\n");
}

const one = async (): Promise<Checkpoint> => {
  const checkpoints = await store.checkpoints(id);
  expect(checkpoints).toHaveLength(1);
  return checkpoints[0]!;
};

describe("file checks", () => {
  it.each([
    ["safetensors", safetensors, checkSafetensors],
    ["torch zip", torchZip, checkTorchFile],
  ])("pass a whole %s file and no shorter one", async (_, make, check) => {
    const file = path.join(root, "tensors");
    const bytes = make();
    for (let length = 0; length <= bytes.length; length++) {
      await writeFile(file, bytes.subarray(0, length));
      expect((await check(file)) === null, `${String(length)} of ${String(bytes.length)} bytes`).toBe(length === bytes.length);
    }
  });

  it("never fail on bytes that are anything at all", async () => {
    const file = path.join(root, "tensors");
    const start = fc.constantFrom(
      Buffer.from("PK\u0003\u0004"),
      Buffer.alloc(8),
      Buffer.from([16, 0, 0, 0, 0, 0, 0, 0, 0x7b]),
      Buffer.alloc(0),
    );
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 80 }), async (head, rest) => {
        await writeFile(file, Buffer.concat([head, rest]));
        for (const check of [checkSafetensors, checkTorchFile]) expect(["string", "object"]).toContain(typeof (await check(file)));
      }),
      { numRuns: 60 },
    );
  });
});

describe("Hugging Face checkpoints", () => {
  it("are found, validated and described", async () => {
    const folder = await writeHuggingFace(path.join(paths.checkpoints, "checkpoint-20"), 20);
    expect(await one()).toMatchObject({
      id: "ckpt_" + createHash("sha256").update("checkpoints/checkpoint-20").digest("hex").slice(0, 12),
      path: folder,
      name: "checkpoint-20",
      step: 20,
      attempt: 1,
      kind: "full",
      framework: "huggingface",
      status: "complete",
      problem: null,
      metrics: { eval_loss: "NaN" },
      resumable: true,
    });
  });

  it.each<[string, Record<string, Buffer | string | null>, string]>([
    [
      "an empty folder",
      Object.fromEntries(
        [
          "config.json",
          "model.safetensors",
          "optimizer.pt",
          "scheduler.pt",
          "rng_state.pth",
          "training_args.bin",
          "trainer_state.json",
        ].map((n) => [n, null]),
      ),
      "empty",
    ],
    ["no trainer_state.json", { "trainer_state.json": null }, "trainer_state.json"],
    ["a cut trainer_state.json", { "trainer_state.json": '{"global_step": 2' }, "trainer_state.json"],
    ["no weights", { "model.safetensors": null }, "model.safetensors"],
    ["cut weights", { "model.safetensors": safetensors().subarray(0, 40) }, "model.safetensors"],
    ["a cut optimizer", { "optimizer.pt": torchZip().subarray(0, 90) }, "optimizer.pt"],
    ["no scheduler", { "scheduler.pt": null }, "scheduler.pt"],
    [
      "a lost shard",
      { "model.safetensors": null, "model.safetensors.index.json": '{"weight_map":{"a":"m-1.safetensors"}}' },
      "m-1.safetensors",
    ],
    ["a shard that leads out", { "model.safetensors": null, "model.safetensors.index.json": '{"weight_map":{"a":"../../x"}}' }, "outside"],
    ["a marker of an unfinished file", { "model.safetensors.incomplete": "" }, "never finished"],
  ])("with %s are torn once they have settled, and never resumable", async (_, files, word) => {
    const folder = await writeHuggingFace(path.join(paths.checkpoints, "checkpoint-20"), 20, files);
    expect(await one()).toMatchObject({ status: "writing", resumable: false });
    await age(folder);
    const checkpoint = await one();
    expect(checkpoint).toMatchObject({ status: "torn", resumable: false, step: 20 });
    expect(checkpoint.problem).toContain(word);
  });

  it("without an optimizer are weights or an adapter, and start forks only", async () => {
    const bare = { "optimizer.pt": null, "scheduler.pt": null };
    await writeHuggingFace(path.join(paths.checkpoints, "checkpoint-10"), 10, bare);
    await writeHuggingFace(path.join(paths.checkpoints, "checkpoint-20"), 20, {
      ...bare,
      "model.safetensors": null,
      "adapter_model.safetensors": safetensors(),
      "adapter_config.json": "{}",
    });
    const found = await store.checkpoints(id);
    expect(found.map((c) => [c.step, c.kind, c.status, c.resumable])).toEqual([
      [20, "adapter", "complete", false],
      [10, "weights", "complete", false],
    ]);
  });

  it("that were reported as full but lack their state are not offered", async () => {
    const folder = await writeHuggingFace(path.join(paths.checkpoints, "checkpoint-20"), 20, { "optimizer.pt": null });
    await report(1, { path: folder, step: 20 });
    await age(folder);
    expect(await one()).toMatchObject({ kind: "full", status: "torn", problem: "optimizer.pt is missing" });
  });

  it("notice that a file was cut after it had been found whole", async () => {
    const folder = await writeHuggingFace(path.join(paths.checkpoints, "checkpoint-20"), 20);
    expect((await one()).status).toBe("complete");
    await truncate(path.join(folder, "model.safetensors"), 30);
    await age(folder);
    expect((await one()).status).toBe("torn");
  });
});

describe("reported checkpoints", () => {
  it("are listed newest first, merged with what lies in the folder, pruned ones as missing", async () => {
    const outside = await writeHuggingFace(path.join(root, "elsewhere", "checkpoint-5"), 5);
    await writeHuggingFace(path.join(paths.checkpoints, "checkpoint-20"), 20);
    await report(1, { path: outside, step: 5 });
    await report(1, { path: "checkpoints/checkpoint-10", step: 10 });
    await report(1, { path: path.join(paths.checkpoints, "checkpoint-20"), step: 20, metrics: { eval_loss: 1 } });
    await report(2, { path: "checkpoints/checkpoint-20", step: 20, metrics: { acc: 2 }, final: true });
    const found = await store.checkpoints(id);
    expect(found.map((c) => [c.attempt, c.step, c.status, c.final])).toEqual([
      [2, 20, "complete", true],
      [1, 10, "missing", false],
      [1, 5, "complete", false],
    ]);
    expect(found[0]?.metrics).toEqual({ eval_loss: 1, acc: 2 });
    expect(found[2]?.id).toBe("ckpt_" + createHash("sha256").update(outside).digest("hex").slice(0, 12));
  });

  it("of other frameworks: files and folders", async () => {
    await writeFile(path.join(paths.checkpoints, "epoch=0-step=30.ckpt"), torchZip("optimizer_states pytorch-lightning_version"));
    await writeFile(path.join(paths.checkpoints, "weights-step=40.ckpt"), torchZip("state_dict pytorch-lightning_version"));
    await writeFile(path.join(paths.checkpoints, "step=50.ckpt"), torchZip("optimizer_states").subarray(0, 60));
    await age(path.join(paths.checkpoints, "step=50.ckpt")).catch(() => undefined);
    const custom = path.join(root, "mine");
    await mkdir(custom);
    await writeFile(path.join(custom, "state.json"), "{}");
    await writeFile(path.join(custom, "w.safetensors"), safetensors());
    await report(1, { path: custom, step: 60, framework: "custom" });
    const found = await store.checkpoints(id);
    expect(found.map((c) => [c.step, c.framework, c.kind, c.status === "complete"])).toEqual([
      [60, "custom", "full", true],
      [50, "lightning", "weights", false],
      [40, "lightning", "weights", true],
      [30, "lightning", "full", true],
    ]);
  });
});

describe("artifacts", () => {
  beforeEach(async () => {
    await mkdir(path.join(paths.artifacts, "model"), { recursive: true });
    await writeFile(path.join(paths.artifacts, "model", "model.safetensors"), "12345");
    await writeFile(path.join(paths.artifacts, "eval_results.json"), "{}");
    await writeFile(path.join(root, "secret"), "s");
    await writeFile(path.join(root, "reported.csv"), "a,b");
    const record = {
      type: "artifact",
      time: 1,
      path: path.join(root, "reported.csv"),
      name: "predictions",
      kind: "predictions",
      metadata: { rows: 1 },
    };
    await appendFile(paths.attempt(1).reportJsonl, JSON.stringify(record) + "\n");
  });

  it("are listed with kind and size, reported ones from elsewhere too", async () => {
    const found = await store.artifacts(id);
    expect(found.map((a) => [path.basename(a.path), a.kind, a.size_bytes, a.is_directory])).toEqual([
      ["reported.csv", "predictions", 3, false],
      ["eval_results.json", "evaluation", 2, false],
      ["model", "other", 5, true],
      ["model.safetensors", "model", 5, false],
    ]);
    expect(found[0]).toMatchObject({ name: "predictions", path: path.join(root, "reported.csv"), metadata: { rows: 1 } });
  });

  it("are handed out", async () => {
    const inside = path.join(paths.artifacts, "model", "model.safetensors");
    expect(await store.resolveArtifact(id, "model/model.safetensors")).toBe(inside);
    expect(await store.resolveArtifact(id, inside)).toBe(inside);
    expect(await readFile(await store.resolveArtifact(id, path.join(root, "reported.csv")), "utf8")).toBe("a,b");
    await writeFile(path.join(paths.checkpoints, "a.ckpt"), "x");
    expect(await store.resolveArtifact(id, path.join(paths.checkpoints, "a.ckpt"))).toContain("a.ckpt");
  });

  it("are refused where they leave the folder, are no plain file, or have an odd name", async () => {
    const link = path.join(paths.artifacts, "link");
    await symlink(path.join(root, "secret"), link);
    await symlink("/etc", path.join(paths.artifacts, "etc"));
    execFileSync("mkfifo", [path.join(paths.artifacts, "pipe")]);
    const bad = [
      "../run.json",
      "model/../../run.json",
      "/etc/passwd",
      paths.runJson,
      path.join(root, "secret"),
      "link",
      "etc/passwd",
      "pipe",
      "a\u0000b",
      "a\nb",
      "",
    ];
    for (const name of bad)
      await expect(store.resolveArtifact(id, name), JSON.stringify(name)).rejects.toMatchObject({ code: "forbidden" });
    for (const name of ["model", "none.txt", "eval_results.json/x"])
      await expect(store.resolveArtifact(id, name)).rejects.toMatchObject({ code: "not_found" });
    expect((await store.artifacts(id)).map((a) => a.name)).not.toContain("link");
  });
});
