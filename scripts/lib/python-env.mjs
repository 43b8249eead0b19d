// The Python environment of the demo and the tests: a venv in the cache, named by what is in it, with `.venv` pointing at it.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, mkdir, readFile, readlink, rm, symlink, unlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { COMPLETE, cacheRoot } from "./cache.mjs";
import { StepFailure, capture, root, say, step, withLock } from "./steps.mjs";

const MINIMUM_PYTHON = [3, 11];
const REQUIREMENTS = path.join(root, "python", "requirements-dev.txt");
const CPU_INDEX = "https://download.pytorch.org/whl/cpu";

/**
 * The interpreter of the development environment, which is made when it is missing.
 * @returns {Promise<string>} absolute path of its python
 */
export async function ensurePython() {
  const base = await findPython();
  const requirements = await readFile(REQUIREMENTS, "utf8");
  const hash = createHash("sha256").update(requirements).update(base.version).update(`${process.platform}-${process.arch}`);
  const venv = path.join(cacheRoot, `venv-${hash.digest("hex").slice(0, 16)}`);
  if (!isComplete(venv)) await withLock(venv, () => build(venv, base, requirements));
  await linkVenv(venv);
  return interpreterOf(venv);
}

/** @returns {Promise<{ executable: string, version: string }>} */
async function findPython() {
  const names = process.env.TRAINYARD_PYTHON === undefined ? candidates() : [process.env.TRAINYARD_PYTHON];
  const seen = [];
  const probe = "import sys, venv, ensurepip; print(sys.executable); print('.'.join(map(str, sys.version_info[:3])))";
  for (const name of names) {
    const { code, stdout } = await capture(name, ["-c", probe], { timeoutMs: 20_000 });
    const [executable, version] = stdout.trim().split(/\r?\n/);
    if (code !== 0 || version === undefined) continue;
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (major === MINIMUM_PYTHON[0] && minor >= MINIMUM_PYTHON[1]) return { executable, version };
    seen.push(`${name} is ${version}`);
  }
  const wanted = MINIMUM_PYTHON.join(".");
  throw new StepFailure(
    `no Python ${wanted} or newer with venv and pip was found${seen.length > 0 ? ` (${seen.join(", ")})` : ""}`,
    `Install Python ${wanted} or newer (Debian: apt-get install python3 python3-venv), or name one in TRAINYARD_PYTHON.`,
  );
}

function candidates() {
  return process.platform === "win32" ? ["python", "py"] : ["python3", "python3.13", "python3.12", "python3.11", "python"];
}

async function build(venv, base, requirements) {
  if (isComplete(venv)) return;
  say(`Setting up Python ${base.version} in ${venv} (once; several minutes)`);
  await rm(venv, { recursive: true, force: true });
  await mkdir(path.dirname(venv), { recursive: true });
  await step(
    "making the virtual environment",
    "On Debian and Ubuntu: apt-get install python3-venv; then run this again.",
    base.executable,
    ["-m", "venv", venv],
  );
  const python = interpreterOf(venv);
  const todo = "Check the network and pip's configuration (pip config list), then run this again; what was downloaded is kept.";
  const torch = /^torch==\S+/m.exec(requirements)?.[0];
  // torch first and alone: in one resolve with the rest, pip takes the CUDA build of several gigabytes.
  if (torch !== undefined)
    await step(`installing ${torch}`, todo, python, ["-m", "pip", "install", "--quiet", ...(await cpuIndex(python)), torch]);
  await step("installing the other Python packages", todo, python, ["-m", "pip", "install", "--quiet", "-r", REQUIREMENTS]);
  await step("checking the Python packages", `Remove ${venv} and run this again.`, python, [
    "-c",
    "import torch, transformers, lightning, pytest",
  ]);
  await writeFile(path.join(venv, COMPLETE), `${new Date().toISOString()}\n`);
}

/** PyPI's torch for Linux brings CUDA along. Where pip is not configured with sources of its own, PyTorch's CPU index is added. */
async function cpuIndex(python) {
  if (process.platform !== "linux") return [];
  const { stdout } = await capture(python, ["-m", "pip", "config", "list"]);
  if (/find-links|index-url/.test(stdout)) return [];
  return ["--extra-index-url", CPU_INDEX];
}

function isComplete(venv) {
  return existsSync(path.join(venv, COMPLETE)) && existsSync(interpreterOf(venv));
}

function interpreterOf(venv) {
  return process.platform === "win32" ? path.join(venv, "Scripts", "python.exe") : path.join(venv, "bin", "python");
}

/** `.venv` is what editors look for. A real folder of that name belongs to the user and stays. */
async function linkVenv(venv) {
  const link = path.join(root, ".venv");
  const existing = await lstat(link).catch(() => null);
  if (existing !== null && !existing.isSymbolicLink()) {
    say(`  note: ${link} is a folder of its own and stays; ${venv} is used.`);
    return;
  }
  if (existing !== null) {
    if ((await readlink(link)) === venv) return;
    await unlink(link);
  }
  await symlink(venv, link, process.platform === "win32" ? "junction" : "dir");
}
