/** The code of a run as it was: the commit it started from with its uncommitted changes laid over, read from git without touching the work tree. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { TrainyardError } from "../../protocol/trainyard-error.ts";

const run = promisify(execFile);
const MOST_BYTES = 64 * 1024 * 1024;
/** Of files that changed since, so many are offered. */
const MOST_FILES = 500;

export interface RunCode {
  /** Top folder of the repository. */
  readonly root: string;
  readonly commit: string;
  /** git.patch of the run folder; it may be absent. */
  readonly patch: string;
}

/** Files that differ between then and now, relative to the root, by name. @throws TrainyardError when git cannot tell */
export async function changedFiles(code: RunCode): Promise<string[]> {
  const since = (await git(code.root, ["diff", "--name-only", "-z", code.commit, "--"])).split("\0");
  const candidates = [...new Set([...since, ...(await patchedFiles(code))])].filter((file) => file !== "").sort();
  const changed: string[] = [];
  for (const file of candidates.slice(0, MOST_FILES)) {
    const now = await readFile(path.join(code.root, file), "utf8").catch(() => "");
    if ((await fileAsOf(code, file)) !== now) changed.push(file);
  }
  return changed;
}

/** The text of a file when the run started; empty where there was none. @throws TrainyardError */
export async function fileAsOf(code: RunCode, file: string): Promise<string> {
  // A file that the commit does not have may come from the patch.
  const committed = await git(code.root, ["show", `${code.commit}:${file}`]).catch(() => null);
  if (!(await patchedFiles(code)).includes(file)) return committed ?? "";
  const scratch = await mkdtemp(path.join(os.tmpdir(), "trainyard-code-"));
  try {
    const target = path.join(scratch, file);
    await mkdir(path.dirname(target), { recursive: true });
    if (committed !== null) await writeFile(target, committed);
    await git(scratch, ["apply", "--whitespace=nowarn", `--include=${file}`, code.patch]);
    return await readFile(target, "utf8").catch(() => "");
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function patchedFiles({ patch }: RunCode): Promise<string[]> {
  const text = await readFile(patch, "utf8").catch(() => "");
  return [...text.matchAll(/^diff --git a\/(.+) b\/(.+)$/gm)].map((match) => match[2] ?? "");
}

async function git(cwd: string, args: readonly string[]): Promise<string> {
  try {
    // A patch is applied to loose files: a repository above the temporary folder has no say.
    const env = { ...process.env, GIT_CEILING_DIRECTORIES: os.tmpdir() };
    return (await run("git", ["-c", "core.quotepath=off", ...args], { cwd, maxBuffer: MOST_BYTES, env })).stdout;
  } catch (error) {
    const said = error instanceof Error && "stderr" in error && typeof error.stderr === "string" ? error.stderr.trim().split("\n")[0] : "";
    throw new TrainyardError(
      "unavailable",
      `git could not read the code in ${cwd}${said === undefined || said === "" ? "" : `: ${said}`}`,
      "Is git installed, and is the commit of the run still in the repository?",
      [],
      { cause: error },
    );
  }
}
