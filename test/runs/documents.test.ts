/** Questions about run documents, answered by a real Python. */
import { access, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DatasetRequest, ProbeRequest, RenderRequest } from "../../protocol/documents.ts";
import type { RunEstimate } from "../../protocol/estimate.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { LogQuery, type CreateRun } from "../../protocol/queries.ts";
import type { RunSpecInput } from "../../protocol/spec.ts";
import { buildPackage, type PackageFixture } from "../launch/package-fixture.ts";
import { ended, newWorkspace, openRoom, refusal, spec, type Room } from "./room-fixture.ts";

let fixture: PackageFixture;
let workspace: Awaited<ReturnType<typeof newWorkspace>>;
let room: Room;
beforeAll(async () => {
  workspace = await newWorkspace();
  fixture = await buildPackage();
  room = await openRoom(workspace.dir, fixture.root);
});
afterAll(async () => {
  await room.close();
  await workspace.remove();
  await fixture.remove();
});

const write = (name: string, lines: readonly string[]): Promise<void> => writeFile(path.join(workspace.dir, name), `${lines.join("\n")}\n`);
const request = (of: CreateRun["spec"], start = true): CreateRun => ({ spec: of, start });

const document = (input: RunSpecInput): { spec: ReturnType<typeof spec> } => ({ spec: spec(input) });

describe("the form of a script", () => {
  beforeAll(() =>
    write("train.py", [
      "import argparse, pathlib",
      'pathlib.Path("imported").write_text("the disk is formatted")',
      "parser = argparse.ArgumentParser()",
      'parser.add_argument("data", type=pathlib.Path)',
      'parser.add_argument("--lr", type=float, default=1e-3, help="Peak rate.")',
      'parser.add_argument("--layers", type=int, nargs="+", default=[2])',
      'parser.add_argument("--optim", choices=["adam", "sgd"], default="adam")',
      'parser.add_argument("--fast", action="store_true")',
      'parser.add_argument("--script", default="")',
      "print(parser.parse_args())",
    ]),
  );
  const params = { script: "train.py", data: "x.csv", lr: 0.01, layers: [4, 8], fast: true, script_: "-odd" };

  test("stands beside the recipe's own fields, and the script is not imported", async () => {
    const form = await room.runs.documents.scriptForm(document({ recipe: "script", params }));
    expect(form).toMatchObject({ kind: "argparse", read_from: "source", notes: [] });
    expect(Object.keys(form.recipe.schema.properties)).toEqual([
      "script",
      "script_form",
      "args",
      "data",
      "lr",
      "layers",
      "optim",
      "fast",
      "script_",
    ]);
    expect(form.recipe.schema.properties["lr"]).toMatchObject({ type: "number", default: 0.001, description: "Peak rate." });
    expect(form.recipe.schema.required).toEqual(["script", "data"]);
    expect(form.arguments).toEqual(["x.csv", "--lr", "0.01", "--layers", "4", "8", "--fast", "--script=-odd"]);
    await expect(access(path.join(workspace.dir, "imported"))).rejects.toThrow();
  });

  test("becomes the command line of the run, and its defaults are the script's", async () => {
    const dry = await room.runs.documents.dryRun(request(spec({ recipe: "script", params: { ...params, args: ["--more"] }, args: ["x"] })));
    expect(dry.command.slice(2)).toEqual(["x.csv", "--lr", "0.01", "--layers", "4", "8", "--fast", "--script=-odd", "--more", "x"]);
    expect(dry.resolved.params).toMatchObject({ lr: 0.01, optim: "adam" });
    expect(dry.resolved.sources).toMatchObject({ lr: "spec", optim: "script", args: "spec" });
  });

  test.each<[string, Record<string, number | string>, string]>([
    ["a name it has not", { data: "x", lrr: 1 }, "params.lrr"],
    ["a wrong type", { data: "x", lr: "fast" }, "params.lr"],
    ["a choice it has not", { data: "x", optim: "adamw" }, "params.optim"],
    ["nothing for what is required", {}, "params.data"],
  ])("refuses %s", async (_, values, field) => {
    const of = request(spec({ recipe: "script", params: { script: "train.py", ...values } }));
    const error = await refusal(room.runs.documents.dryRun(of));
    expect(error.code).toBe("invalid_spec");
    expect(error.problems.map((problem) => problem.field)).toEqual([field]);
    expect((await room.runs.documents.preflight(of)).problems.map((problem) => problem.field)).toEqual([field]);
  });

  test("asks for nothing that may stand in words of one's own", async () => {
    const dry = await room.runs.documents.dryRun(request(spec({ recipe: "script", params: { script: "train.py", args: ["x.csv"] } })));
    expect(dry.command.slice(2)).toEqual(["x.csv"]);
  });

  test("comes from --help where the document asks for it and the source tells nothing", async () => {
    await write("options.py", [
      "import argparse",
      "def build():",
      "    p = argparse.ArgumentParser()",
      "    p.add_argument('--lr', type=float)",
      "    return p",
    ]);
    await write("asks.py", ["from options import build", "print(build().parse_args())"]);
    const silent = await room.runs.documents.scriptForm(document({ recipe: "script", params: { script: "asks.py" } }));
    expect(silent).toMatchObject({ kind: "none", read_from: "source", options: {} });
    const env = { PYTHONDONTWRITEBYTECODE: "1", XDG_CACHE_HOME: path.join(workspace.dir, "cache") };
    const asking = { recipe: "script", env, params: { script: "asks.py", script_form: "help", lr: "0.5" } };
    const form = await room.runs.documents.scriptForm(document(asking));
    expect(form).toMatchObject({ kind: "argparse", read_from: "help", notes: [], arguments: ["--lr", "0.5"] });
    const dry = await room.runs.documents.dryRun(request(spec(asking)));
    expect(dry.command.slice(2)).toEqual(["--lr", "0.5"]);
  });

  test("of a script that is no Python, or not there", async () => {
    await write("broken.py", ["x = (", "y = ]"]);
    const broken = await refusal(room.runs.documents.scriptForm(document({ recipe: "script", params: { script: "broken.py" } })));
    expect([broken.code, broken.message]).toEqual(["invalid_spec", expect.stringMatching(/broken\.py line \d+: /) as string]);
    const gone = await refusal(room.runs.documents.scriptForm(document({ recipe: "script", params: { script: "gone.py" } })));
    expect([gone.code, gone.problems[0]?.field]).toEqual(["missing_file", "params.script"]);
    const other = await refusal(room.runs.documents.scriptForm(document({ recipe: "command" })));
    expect([other.code, other.problems[0]?.field]).toEqual(["invalid_spec", "recipe"]);
  });

  describe("with rules and a seed of its own", () => {
    beforeAll(() =>
      write("rules.py", [
        "import argparse, json, os",
        "parser = argparse.ArgumentParser()",
        'parser.add_argument("--random-seed", type=int, default=1)',
        'parser.add_argument("--betas", type=float, nargs=2, default=[0.9, 0.99])',
        "either = parser.add_mutually_exclusive_group(required=True)",
        'either.add_argument("--train", action="store_true")',
        'either.add_argument("--test", action="store_true")',
        'print(json.dumps([vars(parser.parse_args())["random_seed"], os.environ.get("TRAINYARD_SEED")]))',
      ]),
    );
    const rules = (values: JsonObject, more: Partial<RunSpecInput> = {}): CreateRun =>
      request(spec({ recipe: "script", params: { script: "rules.py", ...values }, track: false, ...more }));

    test.each<[string, JsonObject, string, RegExp]>([
      ["options that exclude each other", { train: true, test: true }, "params.test", /cannot go together with train/],
      ["none of those of which one is needed", {}, "params.train", /one of train, test is missing/],
      ["a list of another length", { train: true, betas: [0.5] }, "params.betas", /takes 2 items/],
    ])("refuses %s", async (_, values, field, said) => {
      const error = await refusal(room.runs.documents.dryRun(rules(values)));
      expect([error.code, error.problems.map((problem) => problem.field)]).toEqual(["invalid_spec", [field]]);
      expect(error.problems[0]?.message).toMatch(said);
    });

    test("the seed of a document reaches the script's own option", async () => {
      const form = await room.runs.documents.scriptForm(rules({ train: true }, { seed: 7 }));
      expect(form).toMatchObject({ seed_option: "random_seed", arguments: ["--random-seed", "7", "--train"] });
      const { id } = await room.runs.create(rules({ train: true }, { seed: 7, name: "seeded" }));
      expect(await ended(room, id)).toMatchObject({ state: "completed", params: { random_seed: 7 } });
      const { lines } = await room.store.logPage(id, 1, LogQuery.parse({}));
      expect(lines.map((line) => line.text)).toEqual(['[7, "7"]']);
    });

    test("two places that name different seeds are told apart", async () => {
      const error = await refusal(room.runs.documents.dryRun(rules({ train: true, random_seed: 3 }, { seed: 7 })));
      expect(error.problems.map(({ field, message }) => [field, message])).toEqual([
        ["params.random_seed", "the seed is 7, and params.random_seed is 3"],
      ]);
    });

    test.each<[string, RunSpecInput]>([
      ["script", { recipe: "script", params: { script: "train.py", data: "x" }, seed: 7 }],
      ["command", { recipe: "command", params: { command: ["true"] }, seed: 7 }],
    ])("a %s that has no option for the seed is said", async (recipe, input) => {
      const { problems } = await room.runs.documents.preflight(request(spec(input)));
      expect(problems).toMatchObject([
        { severity: "warning", field: "seed", message: `the ${recipe} has no option that the seed could be passed to` },
      ]);
    });
  });

  test("the run gets the words, also when another server starts it", async () => {
    const created = await room.runs.create(request(spec({ recipe: "script", params, name: "form" }), false));
    await room.close();
    room = await openRoom(workspace.dir, fixture.root);
    await room.runs.startDraft(created.id);
    await ended(room, created.id);
    const attempts = await room.store.attempts(created.id);
    expect(attempts[0]?.command.slice(2)).toEqual(["x.csv", "--lr", "0.01", "--layers", "4", "8", "--fast", "--script=-odd"]);
  });
});

describe("a dataset", () => {
  test("is previewed for a document that is not complete", async () => {
    await write("rows.jsonl", ['{"prompt": "a", "completion": "b"}', "{", '{"text": "c"}']);
    const of = DatasetRequest.parse({ spec: { recipe: "trl-sft", params: { train_file: "rows.jsonl" } } });
    const preview = await room.runs.documents.previewDataset(of);
    expect(preview).toMatchObject({ format: "jsonl", shape: "prompt_completion", usable: true, row_count: { value: 3, exact: true } });
    expect(preview.problems.map((problem) => problem.message)).toEqual([
      expect.stringContaining("line 2: not JSON"),
      expect.stringContaining("line 3: lacks column"),
    ]);
  });

  test.each(["previewDataset", "renderDataset"] as const)("%s says when no file is named", async (route) => {
    const of = RenderRequest.parse({ spec: { recipe: "trl-sft" }, split: "eval" });
    const error = await refusal(room.runs.documents[route](of));
    expect(error.problems[0]).toMatchObject({ field: "params.eval_file" });
  });
});

/** A recipe that says what it needs, and trains without any framework. */
const OWN_RECIPE = `from trainyard.adapters.base import BaseAdapter, Field

class Own(BaseAdapter):
    id = "own"
    title = "Own"
    fields = {
        "steps": Field("integer", "Steps", "", "training", default=5, minimum=1),
        "size": Field("integer", "Size", "", "training", default=1),
    }

    def check(self, params, base_dir, report):
        host = {"kind": "cpu", "index": None, "name": "host memory", "low_bytes": 1, "likely_bytes": 2, "high_bytes": 3, "parts": []}
        report.estimate = {
            "train_rows": None, "eval_rows": None, "effective_batch": None, "devices": 1, "steps": params["steps"],
            "total_parameters": None, "trainable_parameters": None, "disk": None, "time": None,
            "memory": [{**host, "free_bytes": None, "total_bytes": None, "basis": "formula", "evidence": None}],
        }

    def train(self, context):
        import time
        for step in range(1, context.params["steps"] + 1):
            time.sleep(0.01)
            context.run.log({"loss": 1 / step}, step=step)
        return True
`;

describe("the forecast", () => {
  const preflight = async (params: RunSpecInput["params"]): Promise<RunEstimate> => {
    const { estimate } = await room.runs.documents.preflight(request(spec({ recipe: "own", params })));
    if (estimate === null) throw new Error("there is no estimate");
    return estimate;
  };

  test("is a formula, then what an earlier run measured, then what a probe did", async () => {
    await mkdir(path.join(workspace.dir, "trainyard_recipes"));
    await write("trainyard_recipes/own.py", [OWN_RECIPE]);
    expect((await preflight({ size: 2 })).memory[0]).toMatchObject({ basis: "formula", likely_bytes: 2 });

    const run = await room.runs.create(request(spec({ recipe: "own", params: { size: 2 }, name: "first" })));
    expect((await ended(room, run.id)).state).toBe("completed");
    const { memory } = await preflight({ size: 2 });
    expect(memory[0]).toMatchObject({ basis: "earlier runs", evidence: expect.stringContaining("measured by first") as string });
    expect(memory[0]?.likely_bytes).toBeGreaterThan(1_000_000);
    // A run of another size says nothing about this one.
    expect((await preflight({ size: 3 })).memory[0]?.basis).toBe("formula");

    const { probe } = await room.runs.documents.probe(ProbeRequest.parse({ spec: { recipe: "own", params: { size: 2 } } }));
    expect(probe).toMatchObject({ steps: 3, peak_gpu_bytes: null });
    const { time } = await preflight({ size: 2 });
    expect(time?.basis).toBe("probe");
    expect(time?.likely_seconds).toBeCloseTo((probe?.seconds_per_step ?? 0) * 5);
  });

  test("of a script cannot be probed", async () => {
    const error = await refusal(
      room.runs.documents.probe(ProbeRequest.parse({ spec: { recipe: "command", params: { command: ["true"] } } })),
    );
    expect([error.code, error.problems[0]?.field]).toEqual(["invalid_spec", "recipe"]);
  });
});
