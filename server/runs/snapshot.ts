/** What surrounded a run when it was made: the state of the code and of the machine. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import os from "node:os";
import type { PythonEnvironment } from "../../protocol/recipe.ts";
import type { EnvironmentSnapshot, GitSnapshot } from "../../protocol/run.ts";

const GIT_TIMEOUT_MS = 3000;
const MAX_PATCH_BYTES = 5 * 1024 * 1024;

export interface GitState {
  readonly git: GitSnapshot;
  /** `git diff HEAD`; undefined when the tree is clean or the difference too large to keep. */
  readonly patch?: string;
}

/** The code at `folder`; null where there is no git, no commit yet, or git takes too long. Never keeps a run from starting. */
export async function gitState(folder: string): Promise<GitState | null> {
  const git = (...args: string[]): Promise<string> => runGit(folder, args);
  try {
    const [root, commit] = (await git("rev-parse", "--show-toplevel", "HEAD")).split("\n");
    if (root === undefined || commit === undefined) return null;
    const [branch, remote, status] = await Promise.all([
      git("symbolic-ref", "--quiet", "--short", "HEAD").catch(() => null),
      git("config", "--get", "remote.origin.url").catch(() => null),
      git("status", "--porcelain", "--untracked-files=normal"),
    ]);
    const changed = status.split("\n").filter((line) => line.trim() !== "").length;
    const snapshot: GitSnapshot = {
      root,
      commit,
      branch: branch?.trim() ?? null,
      remote: remote === null ? null : withoutCredentials(remote.trim()),
      dirty_files: changed,
    };
    if (changed === 0) return { git: snapshot };
    // Too large or too slow: the count of changed files still says that the commit alone is not the code.
    const patch = await git("diff", "HEAD", "--no-color", "--no-ext-diff").catch(() => "");
    return patch === "" ? { git: snapshot } : { git: snapshot, patch };
  } catch {
    return null;
  }
}

async function runGit(folder: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      cwd: folder,
      timeout: GIT_TIMEOUT_MS,
      maxBuffer: MAX_PATCH_BYTES,
      // Looking at a repository must not lock it, wait for a password or start a pager.
      env: { ...process.env, GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0", GIT_PAGER: "cat", LC_ALL: "C" },
      windowsHide: true,
    };
    execFile("git", [...args], options, (error, stdout) => {
      if (error === null) resolve(args[0] === "diff" ? stdout : stdout.trimEnd());
      else reject(new Error(`git ${args[0] ?? ""}: ${error.message}`));
    });
  });
}

/** `https://user:token@host/x` → `https://host/x`. An address of ssh keeps its user, which is no secret. */
export function withoutCredentials(remote: string): string {
  return remote.replace(/^([a-z][a-z0-9+.-]*:\/\/)([^@/]*)@/i, (whole, scheme: string) => (/^ssh/i.test(scheme) ? whole : scheme));
}

export async function environmentSnapshot(python: PythonEnvironment | null, gpus: readonly string[]): Promise<EnvironmentSnapshot> {
  return {
    hostname: os.hostname(),
    platform: `${os.platform()} ${os.release()} ${os.arch()}`,
    cpu_count: Math.max(1, os.availableParallelism()),
    memory_bytes: (await memoryLimit()) ?? os.totalmem(),
    gpus: [...gpus],
    python: python?.executable ?? null,
    python_version: python?.version ?? null,
    packages: python?.packages ?? {},
  };
}

/** Memory that the processes of this machine or container may use; null when nothing limits it. */
export async function memoryLimit(): Promise<number | null> {
  const text = await readFile("/sys/fs/cgroup/memory.max", "utf8").catch(() => "max");
  const limit = Number(text.trim());
  return Number.isFinite(limit) && limit > 0 ? limit : null;
}

/** How often the kernel ended a process of this container for its memory limit; null when it does not say. */
export async function oomKillCount(): Promise<number | null> {
  const text = await readFile("/sys/fs/cgroup/memory.events", "utf8").catch(() => null);
  const match = text === null ? null : /^oom_kill (\d+)$/m.exec(text);
  return match === null ? null : Number(match[1]);
}
