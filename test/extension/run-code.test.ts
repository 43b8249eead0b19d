/** A file that trains is known by reading it, and the code of a run comes back as it was. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { trainingLine } from "../../src/documents/training-code.ts";
import { changedFiles, fileAsOf } from "../../src/runs/run-code.ts";

describe("a file that trains", () => {
  it.each([
    ["from transformers import Trainer\ntrainer = Trainer(model)\ntrainer.train()\n", 1],
    ["import torch\nfor x in data:\n    loss.backward()\n", 2],
    ["import lightning as L\ndef main():\n    L.Trainer().fit(m)\n\nif __name__ == '__main__':\n    main()\n", 4],
    ["import trainyard\nrun = trainyard.init(params={})\n", 1],
  ])("is found in %j", (source, line) => {
    expect(trainingLine(source)).toBe(line);
  });

  it.each([
    "print('hello')\n",
    "import torch\nprint(torch.__version__)\n",
    "import torch\n# loss.backward()\n",
    "class Trainer(Base):\n    pass\n",
    "dress.fit(me)\n",
  ])("is not %j", (source) => {
    expect(trainingLine(source)).toBeNull();
  });
});

describe("the code of a run", () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "trainyard-git-"));
  const root = path.join(folder, "repository");
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("is the commit with the uncommitted changes of then", async () => {
    const git = (...args: string[]): string =>
      execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...args], { cwd: root, encoding: "utf8" });
    const write = (file: string, text: string): void => {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), text);
    };
    mkdirSync(root);
    git("init", "-q");
    write("train.py", "lr = 1\nsteps = 10\n");
    write("lib/model.py", "size = 1\n");
    write("same.py", "same\n");
    git("add", ".");
    git("commit", "-q", "-m", "one");
    // The run starts here, with a change that is not committed and a file that git does not know yet.
    write("train.py", "lr = 2\nsteps = 10\n");
    write("lib/é new.py", "new = 1\n");
    git("add", "-N", ".");
    const patch = path.join(folder, "git.patch");
    writeFileSync(patch, git("-c", "core.quotepath=off", "diff", "HEAD"));
    const code = { root, commit: git("rev-parse", "HEAD").trim(), patch };
    expect(await changedFiles(code)).toEqual([]);
    // And the work goes on.
    write("train.py", "lr = 3\nsteps = 20\n");
    write("lib/model.py", "size = 2\n");
    write("lib/é new.py", "new = 2\n");
    git("commit", "-q", "-am", "two");
    expect(await changedFiles(code)).toEqual(["lib/model.py", "lib/é new.py", "train.py"]);
    expect(await fileAsOf(code, "train.py")).toBe("lr = 2\nsteps = 10\n");
    expect(await fileAsOf(code, "lib/model.py")).toBe("size = 1\n");
    expect(await fileAsOf(code, "lib/é new.py")).toBe("new = 1\n");
    expect(await fileAsOf(code, "later.py")).toBe("");
    await expect(changedFiles({ ...code, commit: "0".repeat(40) })).rejects.toThrow(/git could not read/);
  });
});
