import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseEnvironment, parseParams } from "../../cli/assignments.ts";
import { findExecutable } from "../../cli/executables.ts";
import { locateStore } from "../../cli/locate-store.ts";
import { buildCreateRun, type RunArguments, type RunOptions } from "../../cli/run-request.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import { RunSpec } from "../../protocol/spec.ts";

let dir: string;
beforeEach(async () => {
  dir = await realpath(await mkdtemp(path.join(os.tmpdir(), "trainyard-cli-")));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const NO_OPTIONS: RunOptions = { tag: [], set: [], env: [], track: true };

function request(given: Partial<Omit<RunArguments, "options">> & { options?: Partial<RunOptions> }): ReturnType<typeof buildCreateRun> {
  return buildCreateRun({
    file: null,
    passedOn: null,
    store: { dir: path.join(dir, ".trainyard"), workspace: dir },
    env: { PATH: process.env["PATH"] },
    cwd: dir,
    ...given,
    options: { ...NO_OPTIONS, ...given.options },
  });
}

/** A text without those of its lines, each of which it has. */
function without(text: string | undefined, lines: ReadonlySet<string>): string {
  const all = text?.split("\n") ?? [];
  expect(all).toEqual(expect.arrayContaining([...lines]));
  return all.filter((line) => !lines.has(line)).join("\n");
}

describe("assignments", () => {
  it("reads values as YAML and the rest as text", () => {
    expect(parseParams(["learning_rate=1e-4", "params.packing=true", "target_modules=[q, v]", "text=a=b", "note=", "odd=[1"])).toEqual({
      learning_rate: 1e-4,
      packing: true,
      target_modules: ["q", "v"],
      text: "a=b",
      note: null,
      odd: "[1",
    });
  });

  it("keeps any environment value as it is", () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(parseEnvironment([`NAME=${value}`])).toEqual({ NAME: value });
      }),
    );
  });

  it.each(["novalue", "=x", ""])("refuses %j", (text) => {
    expect(() => parseParams([text])).toThrow(TrainyardError);
  });
});

describe("the store", () => {
  it("is the option, the variable, the nearest .trainyard, or a new one here", async () => {
    const deep = path.join(dir, "a", "b");
    await mkdir(deep, { recursive: true });
    expect(locateStore("elsewhere", deep, { TRAINYARD_STORE: "/x" })).toEqual({ dir: path.join(deep, "elsewhere"), workspace: deep });
    expect(locateStore(undefined, deep, { TRAINYARD_STORE: "/x/.trainyard" })).toEqual({ dir: "/x/.trainyard", workspace: "/x" });
    expect(locateStore(undefined, deep, {})).toEqual({ dir: path.join(deep, ".trainyard"), workspace: deep });
    await mkdir(path.join(dir, ".trainyard"));
    expect(locateStore(undefined, deep, {})).toEqual({ dir: path.join(dir, ".trainyard"), workspace: dir });
    await mkdir(path.join(dir, "a", ".git"));
    expect(locateStore(undefined, deep, {})).toEqual({ dir: path.join(deep, ".trainyard"), workspace: deep });
  });
});

describe("what to run", () => {
  it("is a command after --, with its program looked up here and now", async () => {
    await writeFile(path.join(dir, "python"), "#!/bin/sh\n", { mode: 0o755 });
    const env = { PATH: `${dir}${path.delimiter}/usr/bin`, HF_TOKEN: "secret", CUDA_VISIBLE_DEVICES: "1" };
    const { spec, base_dir } = await request({
      passedOn: ["python", "train.py", "--json", "--lr", "1"],
      env,
      options: { env: ["A=b"], tag: ["x"] },
    });
    const parsed = RunSpec.parse(spec);
    expect(parsed).toMatchObject({
      recipe: "command",
      name: "train.py",
      params: { command: [path.join(dir, "python"), "train.py", "--json", "--lr", "1"] },
      python: path.join(dir, "python"),
      tags: ["x"],
      track: true,
      env: { A: "b", PATH: env.PATH, CUDA_VISIBLE_DEVICES: "1" },
    });
    expect(JSON.stringify(parsed)).not.toContain("secret");
    expect(base_dir).toBe(dir);
  });

  it("is a script, with the arguments after --", async () => {
    await writeFile(path.join(dir, "train.py"), "");
    const { spec } = await request({ file: "train.py", passedOn: ["--lr", "1"], options: { python: process.execPath } });
    expect(spec).toMatchObject({
      recipe: "script",
      python: process.execPath,
      params: { script: path.join(dir, "train.py"), args: ["--lr", "1"] },
    });
  });

  it("is a document, whose comments stay when options change it", async () => {
    const text = "# mine\nrecipe: hf-causal-lm # full\nparams:\n  epochs: 3 # long\n";
    await writeFile(path.join(dir, "a.run.yaml"), text);
    const { spec, source } = await request({
      file: "a.run.yaml",
      options: { set: ["epochs=1", "learning_rate=1e-3"], name: "short", python: process.execPath },
    });
    expect(spec).toMatchObject({ name: "short", params: { epochs: 1, learning_rate: 1e-3 } });
    const added = new Set(["name: short", "  learning_rate: 0.001", `python: ${process.execPath}`]);
    expect(without(source, added)).toBe(text.replace("epochs: 3", "epochs: 1"));
  });

  it("is a document to the character without options, with notes, anchors and the layout that its writer chose", async () => {
    const text = `# mine\nx-shared: &lr   1.0e-4\nrecipe:   "hf-lora"\nparams:\n    learning_rate: *lr\n    epochs:  3   # ${"long".repeat(30)}\n\n\ntags: [a,b]\n`;
    await writeFile(path.join(dir, "a.run.yaml"), text);
    const asked = { file: "a.run.yaml", options: { python: process.execPath } };
    expect(
      (await request({ file: "a.run.yaml", env: { PATH: path.dirname(process.execPath), TRAINYARD_PYTHON: process.execPath } })).source,
    ).toBe(text);
    const changed = await request({ ...asked, options: { ...asked.options, set: ["epochs=1"] } });
    expect(without(changed.source, new Set([`python: ${process.execPath}`]))).toBe(text.replace("epochs:  3", "epochs:  1"));
    expect(changed.spec.params).toEqual({ learning_rate: 1e-4, epochs: 1 });
  });

  it("names the line of what is wrong in a document", async () => {
    await writeFile(path.join(dir, "a.run.yaml"), "recipe: command\nparams:\n  a: [1\n");
    await expect(request({ file: "a.run.yaml", options: { set: ["a=2"] } })).rejects.toMatchObject({
      code: "invalid_spec",
      message: expect.stringMatching(/a\.run\.yaml is not a valid run document: line [34]: /) as string,
    });
    await writeFile(path.join(dir, "a.run.yaml"), "recipe: command\nparamz: {}\n");
    await expect(request({ file: "a.run.yaml" })).rejects.toMatchObject({
      message: "a.run.yaml is not a valid run document: line 2: paramz is not a field of a run file",
    });
  });

  it.each<[string, Parameters<typeof request>[0], string]>([
    ["nothing", {}, "bad_request"],
    ["an empty command", { passedOn: [] }, "bad_request"],
    ["a word that is neither script nor document", { file: "python" }, "bad_request"],
    ["a missing script", { file: "none.py" }, "missing_file"],
    ["a missing document", { file: "none.run.yaml" }, "missing_file"],
    ["a missing program", { passedOn: ["no-such-program-here"] }, "missing_file"],
  ])("refuses %s", async (_, given, code) => {
    await expect(request(given)).rejects.toMatchObject({ code });
  });
});

describe("programs", () => {
  it("are found as a shell finds them", async () => {
    await mkdir(path.join(dir, "bin", "folder"), { recursive: true });
    await writeFile(path.join(dir, "bin", "tool"), "#!/bin/sh\n", { mode: 0o755 });
    await writeFile(path.join(dir, "bin", "text"), "", { mode: 0o644 });
    const search = `/nowhere${path.delimiter}${path.join(dir, "bin")}`;
    expect(findExecutable("tool", dir, search)).toBe(path.join(dir, "bin", "tool"));
    expect(findExecutable("./bin/tool", dir, undefined)).toBe(path.join(dir, "bin", "tool"));
    for (const name of ["text", "folder", "none", ""]) expect(findExecutable(name, dir, search)).toBeNull();
  });
});
