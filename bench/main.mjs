// `npm run bench -- <name> [arguments]`: runs one benchmark. Each prints a table and, as its last line, one JSON object, and ends with a
// code other than 0 when a target is missed.
//
// A benchmark is bench/<name>.py, run by the project's Python, or bench/<name>.ts, which exports `run(): Promise<BenchResult>`.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ensureBrowser } from "../scripts/lib/browser.mjs";
import { ensureBuild, ensureNodePackages } from "../scripts/lib/node-env.mjs";
import { ensurePython } from "../scripts/lib/python-env.mjs";
import { runMain } from "../scripts/lib/steps.mjs";
import { makePackage } from "../scripts/package.mjs";
import { ensureVscodeRig } from "../scripts/vscode-rig.mjs";

const folder = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(folder);
const names = readdirSync(folder)
  .filter((file) => /\.(py|ts)$/.test(file))
  .map((file) => path.parse(file).name)
  .sort();

/** Benchmarks that drive a window. */
const WINDOWED = new Set(["activation", "live"]);

/** Benchmarks that are told how many runs to measure, and how often; the others take nothing. */
const SIZES = new Map([
  ["catalogue", 3],
  ["store", 1],
]);
/** Fewer fill no page of the questions that are asked, more no memory. */
const [LEAST_RUNS, MOST_RUNS] = [1000, 1_000_000];

const [name, ...rest] = process.argv.slice(2);
const help = name === "--help" || name === "-h";
if (help || name === undefined || !names.includes(name)) {
  if (name !== undefined && !help) console.error(`There is no benchmark ${name}.`);
  console.error(`Which benchmark? npm run bench -- ${names.join(" | ")}`);
  process.exit(help ? 0 : 2);
}
const most = SIZES.get(name) ?? 0;
const wrong = rest.find((text) => !(/^\d+$/.test(text) && Number(text) >= LEAST_RUNS && Number(text) <= MOST_RUNS));
if (rest.length > most || wrong !== undefined) {
  const runs = `how many runs it has, from ${LEAST_RUNS} to ${MOST_RUNS}`;
  console.error(
    most === 0
      ? `bench ${name} takes no arguments, and was given ${rest.join(" ")}.`
      : `bench ${name} is told ${runs}${most === 1 ? "" : `, ${most} times at most`}, and not ${wrong ?? rest.join(" ")}.`,
  );
  process.exit(2);
}
const script = path.join(folder, `${name}.py`);
await runMain(async () => {
  process.exitCode = existsSync(script) ? python(script) : await typescript();
});

/** What a real VS Code with the packaged extension takes; the end-to-end tests get the same. */
async function theWindow() {
  return {
    TRAINYARD_TEST_PYTHON: await ensurePython(),
    TRAINYARD_TEST_BROWSER: await ensureBrowser(),
    TRAINYARD_TEST_CODE_SERVER: await ensureVscodeRig(),
    TRAINYARD_TEST_VSIX: await makePackage(),
  };
}

/** @param {string} file */
function python(file) {
  const command = interpreter();
  const env = { ...process.env, PYTHONPATH: path.join(root, "python"), OMP_NUM_THREADS: "1" };
  const done = spawnSync(command, [file, ...rest], { stdio: "inherit", cwd: root, env });
  if (done.error !== undefined) console.error(`${command} cannot be started: ${done.error.message}`);
  return done.status ?? 1;
}

/** Node 20 does not read TypeScript, so the benchmark is bundled into one module first. */
async function typescript() {
  // `npm ci` empties node_modules: it comes before anything is taken from there or put there. Some measure what is in dist/.
  await ensureNodePackages();
  await ensureBuild({ production: true });
  const window = WINDOWED.has(name) ? await theWindow() : {};
  const { build } = await import("esbuild");
  const scratch = path.join(root, "node_modules/.cache/trainyard");
  await mkdir(scratch, { recursive: true });
  const bundle = path.join(scratch, `bench-${name}-${process.pid}.mjs`);
  const contents = `import { run } from "./${name}.ts"; import { report } from "./lib/result.ts"; process.exitCode = report(await run());`;
  try {
    await build({
      stdin: { contents, resolveDir: folder, loader: "ts" },
      bundle: true,
      packages: "external",
      format: "esm",
      platform: "node",
      target: "node20",
      outfile: bundle,
      logLevel: "warning",
    });
    // Some compare with a Python program.
    const env = { ...process.env, TRAINYARD_PYTHON: interpreter(), OMP_NUM_THREADS: "1", ...window };
    const done = spawnSync(process.execPath, [bundle, ...rest], { stdio: "inherit", cwd: root, env });
    return done.status ?? 1;
  } finally {
    await rm(bundle, { force: true });
  }
}

/** The interpreter named by TRAINYARD_PYTHON, the repository's own environment, or whatever python3 is. */
function interpreter() {
  const own = path.join(root, process.platform === "win32" ? ".venv/Scripts/python.exe" : ".venv/bin/python");
  return process.env["TRAINYARD_PYTHON"] ?? (existsSync(own) ? own : "python3");
}
