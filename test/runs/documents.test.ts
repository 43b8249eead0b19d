/** Questions about run documents, answered by a real Python. */
import { access, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DatasetRequest, RenderRequest } from "../../protocol/documents.ts";
import type { RunSpecInput } from "../../protocol/spec.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { CreateRun } from "../../protocol/queries.ts";
import { buildPackage, type PackageFixture } from "../launch/package-fixture.ts";
import { ended, newWorkspace, openRoom, spec, type Room } from "./room-fixture.ts";

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

async function refusal(act: Promise<unknown>): Promise<TrainyardError> {
  const error: unknown = await act.then(
    () => null,
    (found: unknown) => found,
  );
  if (!(error instanceof TrainyardError)) throw new Error(`it was not refused: ${String(error)}`);
  return error;
}

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
    expect(Object.keys(form.recipe.schema.properties)).toEqual(["script", "args", "data", "lr", "layers", "optim", "fast", "script_"]);
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

  test("of a script that is no Python, or not there", async () => {
    await write("broken.py", ["x = (", "y = ]"]);
    const broken = await refusal(room.runs.documents.scriptForm(document({ recipe: "script", params: { script: "broken.py" } })));
    expect([broken.code, broken.message]).toEqual(["invalid_spec", expect.stringMatching(/broken\.py line \d+: /) as string]);
    const gone = await refusal(room.runs.documents.scriptForm(document({ recipe: "script", params: { script: "gone.py" } })));
    expect([gone.code, gone.problems[0]?.field]).toEqual(["missing_file", "params.script"]);
    const other = await refusal(room.runs.documents.scriptForm(document({ recipe: "command" })));
    expect([other.code, other.problems[0]?.field]).toEqual(["invalid_spec", "recipe"]);
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
