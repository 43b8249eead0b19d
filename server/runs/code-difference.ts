/**
 * What differs between the code of two runs. Each run's tree is put together in an index and an object folder of our own (its commit,
 * git.patch applied), so that neither the work tree nor the repository is touched, and git compares the two trees.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { CodeChange, CodeDifference } from "../../protocol/code.ts";
import type { RunRecord } from "../../protocol/run.ts";
import { readWholeText } from "../store/open-file.ts";

const run = promisify(execFile);
const TIMEOUT_MS = 10_000;
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_FILES = 1000;
/** Text of all hunks of an answer: more than this nobody reads in a page. */
const MOST_HUNK_CHARS = 1024 * 1024;
const MOST_PATCH_CHARS = 256 * 1024;

export interface CodeOfRun {
  readonly record: Pick<RunRecord, "id" | "name" | "git">;
  /** Place of git.patch; it may be absent. */
  readonly patch: string;
}

/** Never fails for what a repository lacks: the answer is then `unknown` with the reason. */
export async function codeDifference(baseline: CodeOfRun, other: CodeOfRun): Promise<CodeDifference> {
  const common = {
    baseline: baseline.record.id,
    run: other.record.id,
    untracked_unknown: [baseline, other].some(({ record }) => (record.git?.dirty_files ?? 0) > 0),
  };
  const scratch = await mkdtemp(path.join(os.tmpdir(), "trainyard-trees-"));
  try {
    const repository = await Scratch.open(scratch, [baseline, other]);
    const [before, after] = [await repository.tree(baseline), await repository.tree(other)];
    const { files, leftOut } = before === after ? { files: [], leftOut: 0 } : await repository.changes(before, after);
    const state = before === after ? "same" : "different";
    return { ...common, state, reason: null, files, left_out: leftOut, patches: null };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const patches = { baseline: await patchText(baseline), run: await patchText(other) };
    return { ...common, state: "unknown", reason: error.message, files: [], left_out: 0, patches };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The code of a run cannot be had; the message names the run and says why. */
class Unreadable extends Error {}

class Scratch {
  readonly #folder: string;
  readonly #environment: Readonly<Record<string, string>>;

  private constructor(folder: string, environment: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#environment = environment;
  }

  /** A bare repository that reads the objects of the runs' repositories and writes none into them. Their settings do not hold here. */
  static async open(folder: string, runs: readonly CodeOfRun[]): Promise<Scratch> {
    const alternates = new Set<string>();
    for (const { record } of runs) {
      if (record.git === null) throw new Unreadable(`${record.name} was not started in a git repository with a commit`);
      const root = record.git.root;
      const place = await git(root, ["rev-parse", "--git-path", "objects"], {}, `${record.name} in ${root}`);
      alternates.add(path.resolve(root, place.trim()));
    }
    const environment = {
      GIT_DIR: path.join(folder, "repository"),
      // Quoted: git splits this list at the separator of PATH.
      GIT_ALTERNATE_OBJECT_DIRECTORIES: [...alternates].map((place) => JSON.stringify(place)).join(path.delimiter),
    };
    await git(folder, ["init", "--quiet", "--bare", environment.GIT_DIR], { GIT_TEMPLATE_DIR: "" }, "both runs");
    return new Scratch(folder, environment);
  }

  /** @returns the id of the tree of the run's code */
  async tree({ record, patch }: CodeOfRun): Promise<string> {
    const commit = record.git?.commit ?? "";
    // A record may come from anywhere; what begins with a dash would be an option.
    if (!/^[0-9a-f]{7,64}$/i.test(commit)) throw new Unreadable(`The commit of ${record.name} is no commit id`);
    const environment = { ...this.#environment, GIT_INDEX_FILE: path.join(this.#folder, `index-${record.id}`) };
    const ask = (args: readonly string[]): Promise<string> =>
      git(this.#folder, args, environment, `${record.name} in ${record.git?.root ?? ""}`);
    await ask(["read-tree", `${commit}^{tree}`]);
    if ((await readWholeText(patch).catch(() => "")) !== "") await ask(["apply", "--cached", "--whitespace=nowarn", patch]);
    return (await ask(["write-tree"])).trim();
  }

  async changes(before: string, after: string): Promise<{ files: CodeChange[]; leftOut: number }> {
    const compare = (how: readonly string[]): Promise<string> =>
      git(
        this.#folder,
        ["diff", "--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", ...how, before, after, "--"],
        this.#environment,
        "both runs",
      );
    const [raw, counts] = [await compare(["--raw", "-z"]), await compare(["--numstat", "-z"])];
    const all = parseNames(raw, parseCounts(counts));
    const files = all.slice(0, MOST_FILES);
    const hunks = hunksByFile(await compare(["--patch"]), all.length);
    let left = MOST_HUNK_CHARS;
    return {
      files: files.map((file, i): CodeChange => {
        const text = hunks?.[i] ?? null;
        left -= text?.length ?? 0;
        return { ...file, hunks: left < 0 ? null : text };
      }),
      leftOut: all.length - files.length,
    };
  }
}

type Counts = ReadonlyMap<string, { readonly added: number | null; readonly removed: number | null }>;

/** `<added>\t<removed>\t<path>\0`, and for a renamed file an empty path followed by `<old>\0<new>\0`. */
function parseCounts(text: string): Counts {
  const counts = new Map<string, { added: number | null; removed: number | null }>();
  const parts = text.split("\0");
  for (let i = 0; i < parts.length; i++) {
    const [added, removed, ...rest] = (parts[i] ?? "").split("\t");
    if (added === undefined || removed === undefined) continue;
    const name = rest.join("\t");
    const number = (part: string): number | null => (part === "-" ? null : Number(part));
    counts.set(name === "" ? (parts[(i += 2)] ?? "") : name, { added: number(added), removed: number(removed) });
  }
  return counts;
}

/** `:<modes and ids> <letter>\0<path>\0`, of a renamed file with two paths. */
function parseNames(text: string, counts: Counts): Omit<CodeChange, "hunks">[] {
  const files: Omit<CodeChange, "hunks">[] = [];
  const parts = text.split("\0");
  for (let i = 0; i < parts.length - 1; i++) {
    const letter = /^:.* ([A-Z])\d*$/.exec(parts[i] ?? "")?.[1];
    if (letter === undefined) continue;
    const from = letter === "R" ? (parts[++i] ?? null) : null;
    const name = parts[++i] ?? "";
    const change = letter === "A" ? "added" : letter === "D" ? "deleted" : letter === "R" ? "renamed" : "modified";
    files.push({ path: name, from, change, ...(counts.get(name) ?? { added: null, removed: null }) });
  }
  return files;
}

/** The hunks of each file in the order of the names; null where they do not match, which would put text under the wrong name. */
function hunksByFile(text: string, count: number): (string | null)[] | null {
  // Within a hunk every line begins with a space, plus, minus or backslash, so this is a heading wherever it stands.
  const parts = text.split(/(?<=\n)(?=diff --git )/).filter((part) => part !== "");
  if (parts.length !== count) return null;
  return parts.map((part) => {
    const start = part.search(/^@@ /m);
    return start < 0 ? (/^Binary files /m.test(part) ? null : "") : part.slice(start);
  });
}

async function patchText({ patch }: CodeOfRun): Promise<string> {
  return (await readWholeText(patch).catch(() => "")).slice(0, MOST_PATCH_CHARS);
}

/** @param of whose code it is about, for the message. @throws Unreadable */
async function git(cwd: string, args: readonly string[], environment: Readonly<Record<string, string>>, of: string): Promise<string> {
  try {
    const env = {
      ...process.env,
      // Looking at a repository must not lock it, fetch what it lacks, or wait for a password.
      ...{ GIT_OPTIONAL_LOCKS: "0", GIT_NO_LAZY_FETCH: "1", GIT_TERMINAL_PROMPT: "0", GIT_PAGER: "cat", LC_ALL: "C" },
      ...environment,
    };
    const options = { cwd, env, maxBuffer: MOST_BYTES, timeout: TIMEOUT_MS, windowsHide: true };
    return (await run("git", ["-c", "core.quotepath=off", "-c", "core.fsmonitor=false", ...args], options)).stdout;
  } catch (error) {
    const said = error instanceof Error && "stderr" in error && typeof error.stderr === "string" ? error.stderr.trim().split("\n")[0] : "";
    const why = said === undefined || said === "" ? "git did not answer" : `git says ${said.replace(/^(fatal|error): /, "")}`;
    throw new Unreadable(`The code of ${of} could not be read: ${why}`, { cause: error });
  }
}
