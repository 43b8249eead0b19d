/** The difference of two runs' code, by real repositories. */
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { codeDifference, type CodeOfRun } from "../../server/runs/code-difference.ts";

const A = "run_00000000000000001";
const B = "run_00000000000000002";
let folder: string;
let root: string;

const git = (...args: string[]): string =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], { cwd: root, encoding: "utf8" });
const put = (name: string, content: string | Buffer): Promise<void> => writeFile(path.join(root, name), content);

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "trainyard code-"));
  root = path.join(folder, "re:po ü");
  execFileSync("git", ["init", "--quiet", root]);
  await put("train.py", "lr = 1\nsteps = 10\n");
  await put("old.py", Array.from({ length: 20 }, (_, i) => `line ${String(i)}\n`).join(""));
  git("add", "-A");
  git("commit", "--quiet", "-m", "first");
  return () => rm(folder, { recursive: true });
});

/** The code of `root` as a start of a run records it. */
async function snapshot(id: string): Promise<CodeOfRun> {
  const patch = path.join(folder, `${id}.patch`);
  const text = git("diff", "HEAD");
  if (text !== "") await writeFile(patch, text);
  const dirty_files = git("status", "--porcelain").split("\n").length - 1;
  const snapshotOfGit = { root, commit: git("rev-parse", "HEAD").trim(), branch: null, remote: null, dirty_files };
  return { record: { id, name: id === A ? "first" : "second", git: snapshotOfGit }, patch };
}

const inside = async (): Promise<string[]> => (await readdir(path.join(root, ".git"), { recursive: true })).sort();

describe("the difference of code", () => {
  it("lays each run's uncommitted changes over its own commit, and touches neither repository nor work tree", async () => {
    await put("train.py", "lr = 2\nsteps = 10\n");
    const before = await snapshot(A);
    git("checkout", "--quiet", "--", "train.py");
    git("mv", "old.py", "new name.py");
    await put("image.png", Buffer.from([0, 1, 2, 0, 255]));
    git("add", "-A");
    git("commit", "--quiet", "-m", "second");
    await put("train.py", "lr = 3\nsteps = 10\n# diff --git a/x b/x\n");
    const after = await snapshot(B);
    const [objects, status] = [await inside(), git("status", "--porcelain")];
    const result = await codeDifference(before, after);
    expect(result).toMatchObject({ baseline: A, run: B, state: "different", untracked_unknown: true, left_out: 0, patches: null });
    expect(result.files.map(({ path, from, change, added, removed }) => [path, from, change, added, removed])).toEqual([
      ["image.png", null, "added", null, null],
      ["new name.py", "old.py", "renamed", 0, 0],
      ["train.py", null, "modified", 2, 1],
    ]);
    expect(result.files.map((file) => file.hunks)).toEqual([
      null,
      "",
      "@@ -1,2 +1,3 @@\n-lr = 2\n+lr = 3\n steps = 10\n+# diff --git a/x b/x\n",
    ]);
    expect(await inside()).toEqual(objects);
    expect(git("status", "--porcelain")).toBe(status);
  });

  it("calls code the same that became a commit in between", async () => {
    await put("train.py", "lr = 2\nsteps = 10\n");
    const before = await snapshot(A);
    git("commit", "--quiet", "-a", "-m", "the same, committed");
    expect(await codeDifference(before, await snapshot(B))).toMatchObject({ state: "same", files: [] });
  });

  it.each([
    [
      "a commit that is gone",
      { commit: "0123456789012345678901234567890123456789" },
      /^The code of second in .*re:po ü could not be read: git says /,
    ],
    ["a commit that is an option", { commit: "--output=/x" }, /^The commit of second is no commit id/],
    [
      "a repository that is gone",
      { root: "/nonexistent/repository" },
      /^The code of second in \/nonexistent\/repository could not be read: /,
    ],
  ])("says why it does not know with %s, and gives the patches", async (_, wrong, reason) => {
    await put("train.py", "lr = 2\nsteps = 10\n");
    const before = await snapshot(A);
    const after = await snapshot(B);
    const spoiled = { ...after, record: { ...after.record, git: { ...(after.record.git ?? expect.fail()), ...wrong } } };
    const result = await codeDifference(before, spoiled);
    expect(result).toMatchObject({ state: "unknown", files: [] });
    expect(result.reason).toMatch(reason);
    expect(result.patches?.baseline).toContain("+lr = 2");
  });

  it("says why it does not know with a patch that does not fit and with no git", async () => {
    const before = await snapshot(A);
    const after = await snapshot(B);
    await writeFile(after.patch, "diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-no such line\n+x\n");
    expect((await codeDifference(before, after)).reason).toMatch(/code of second .* patch failed: train\.py/);
    const none = { ...after, record: { ...after.record, git: null } };
    expect((await codeDifference(before, none)).reason).toBe("second was not started in a git repository with a commit");
  });
});
