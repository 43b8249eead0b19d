// `npm test`: sets up what is missing and runs every check. `npm test -- unit python` runs some of them.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { ensureBrowser } from "./lib/browser.mjs";
import { ensureBuild, ensureNodePackages } from "./lib/node-env.mjs";
import { ensurePython } from "./lib/python-env.mjs";
import { StepFailure, capture, root, runMain, say, seconds, tail } from "./lib/steps.mjs";
import { readJunit, readVitest } from "./lib/test-results.mjs";
import { makePackage } from "./package.mjs";
import { ensureVscodeRig } from "./vscode-rig.mjs";

const tool = (...parts) => path.join(root, "node_modules", ...parts);
const TSC = tool("typescript", "bin", "tsc");
const VITEST = tool("vitest", "vitest.mjs");
/** As many as vitest has. A file goes to the worker that is free, in the order of their names: its tests share what they trained. */
const PYTEST_WORKERS = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"];
/** Of a part of the faults that failed, so many lines are said again at the end: its table and what it found. */
const FAULT_LINES = 60;
/** Training in tests is tiny: more threads than one only fight over the cores. Nothing may be fetched from a hub. */
const TRAINING = { OMP_NUM_THREADS: "1", TOKENIZERS_PARALLELISM: "false", HF_HUB_OFFLINE: "1", HF_DATASETS_OFFLINE: "1" };

/**
 * The phases in their order. `needs` names what set-up must give it first.
 * @type {{ name: string, needs: string[], run: (setup: any, folder: string) => Promise<{ passed: number, failed: number, skipped: number, failures?: string[] }> }[]}
 */
const PHASES = [
  { name: "typecheck", needs: [], run: () => checks([TSC, "-p", "tsconfig.json"], [TSC, "-p", "webviews/tsconfig.json"]) },
  {
    name: "lint",
    needs: [],
    run: () =>
      checks(
        [tool("eslint", "bin", "eslint.js"), "--max-warnings", "0", "."],
        [tool("prettier", "bin", "prettier.cjs"), "--check", "--log-level", "warn", "."],
      ),
  },
  { name: "unit", needs: ["python", "build", "browser"], run: (setup, folder) => vitest("unit", "vitest.config.mts", setup, folder) },
  { name: "python", needs: ["python"], run: pytest },
  { name: "package", needs: ["vsix"], run: async () => ({ passed: 1, failed: 0, skipped: 0 }) },
  {
    name: "integration",
    needs: ["python", "build"],
    run: (setup, folder) => vitest("integration", "test/integration/vitest.config.mts", setup, folder),
  },
  { name: "faults", needs: ["python", "build"], run: faults },
  {
    name: "e2e",
    needs: ["python", "vsix", "browser", "vscode"],
    run: (setup, folder) => atMostTwice("e2e", () => vitest("e2e", "test/e2e/vitest.config.mts", setup, folder)),
  },
];

/** What set-up can give. The package is made from the build, so that the tests see what users get. */
const SETUP = {
  python: ensurePython,
  browser: ensureBrowser,
  vscode: ensureVscodeRig,
  build: () => ensureBuild({ production: true }),
  vsix: makePackage,
};

await runMain(async () => {
  const started = Date.now();
  const names = process.argv.slice(2);
  const unknown = names.filter((name) => !PHASES.some((phase) => phase.name === name));
  if (unknown.length > 0)
    throw new StepFailure(`there is no phase ${unknown.join(", ")}`, `The phases are ${PHASES.map((phase) => phase.name).join(", ")}.`);
  const phases = PHASES.filter((phase) => names.length === 0 || names.includes(phase.name));

  await ensureNodePackages();
  const setup = await prepare(new Set(phases.flatMap((phase) => phase.needs)));
  const rows = [{ name: "set-up", passed: 0, failed: 0, skipped: 0, ms: Date.now() - started, problem: null }];
  const folder = await mkdtemp(path.join(os.tmpdir(), "trainyard-test-"));
  try {
    for (const phase of phases) rows.push(await runPhase(phase, setup, folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  report(
    rows,
    Date.now() - started,
    names.length === 0 ? [] : PHASES.filter((phase) => !phases.includes(phase)).map((phase) => phase.name),
  );
});

/**
 * Runs the needed set-up, the downloads beside each other. A part that fails is kept as its error: the phases that need it fail with it.
 * @returns {Promise<Record<string, { value?: unknown, error?: Error }>>}
 */
async function prepare(needed) {
  const setup = {};
  const settle = async (name) => {
    try {
      setup[name] = { value: await SETUP[name]() };
    } catch (error) {
      setup[name] = { error };
    }
  };
  const downloads = ["python", "browser", "vscode"].filter((name) => needed.has(name));
  // The build and the package write to dist/ both, so they come one after the other.
  const local = ["build", "vsix"].filter((name) => needed.has(name));
  await Promise.all([
    Promise.all(downloads.map(settle)),
    (async () => {
      for (const name of local) await settle(name);
    })(),
  ]);
  return setup;
}

async function runPhase(phase, setup, folder) {
  const started = Date.now();
  say(`\n=== ${phase.name}`);
  try {
    for (const need of phase.needs) if (setup[need]?.error !== undefined) throw setup[need].error;
    const values = Object.fromEntries(Object.entries(setup).map(([name, { value }]) => [name, value]));
    return { name: phase.name, ...(await phase.run(values, folder)), ms: Date.now() - started, problem: null };
  } catch (error) {
    const problem = error instanceof StepFailure ? `${error.message}\n  What to do: ${error.todo}` : (error.stack ?? String(error));
    say(`${error instanceof StepFailure ? error.output : ""}\n${problem}`);
    return { name: phase.name, passed: 0, failed: 1, skipped: 0, ms: Date.now() - started, problem };
  }
}

/** Programs that pass or fail as a whole, beside each other: each counts as one test, and what it says stands together. */
async function checks(...commands) {
  const codes = await Promise.all(
    commands.map(async (args) => {
      const { code, output } = await capture(process.execPath, args);
      process.stderr.write(output);
      return code;
    }),
  );
  const failed = codes.filter((code) => code !== 0).length;
  return { passed: commands.length - failed, failed, skipped: 0 };
}

async function vitest(name, config, setup, folder) {
  const file = path.join(folder, `${name}.json`);
  const env = {
    ...TRAINING,
    TRAINYARD_TEST_PYTHON: setup.python,
    TRAINYARD_TEST_BROWSER: setup.browser,
    TRAINYARD_TEST_CODE_SERVER: setup.vscode,
    TRAINYARD_TEST_VSIX: setup.vsix,
  };
  const args = [VITEST, "run", "--config", config, "--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const { code } = await capture(process.execPath, args, { env, echo: true });
  return readVitest(await readFile(file, "utf8").catch(() => null), code);
}

/** The short form: random kills for about a minute, the server's memory for another, then the faults that are made on purpose. */
async function faults(setup, folder) {
  const env = { TRAINYARD_TEST_PYTHON: setup.python };
  const part = async (...args) => {
    const { code, output } = await capture(process.execPath, [path.join(root, "scripts", "faults.mjs"), ...args], { env, echo: true });
    if (code === 0) return { passed: 1, failed: 0, failures: [] };
    // What it found stands in its output alone, far above the end, and of a long log often only the end is kept.
    return { passed: 0, failed: 1, failures: [`${args.join(" ")} ended with ${String(code)}; it said:\n${tail(output, FAULT_LINES)}`] };
  };
  const kills = await part("--only", "kills", "--count", "40", "--seconds", "60");
  // A measurement of a minute, beside whatever else the machine does.
  const memory = await atMostTwice("memory", () => part("--only", "memory"));
  const made = await vitest("faults", "test/faults/vitest.config.mts", setup, folder);
  const parts = [kills, memory, made];
  const sum = (key) => parts.reduce((total, one) => total + one[key], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: made.skipped, failures: parts.flatMap((one) => one.failures) };
}

/** For what depends on how busy the machine is. Of a window, the first try's pictures and host log stay in test-results/. */
async function atMostTwice(name, run) {
  const first = await run();
  if (first.failed === 0) return first;
  say(`\n=== ${name}: ${first.failed} failed, once more`);
  return run();
}

async function pytest(setup, folder) {
  const env = { ...TRAINING, PYTHONPATH: path.join(root, "python"), PYTHONDONTWRITEBYTECODE: "1" };
  const once = async (name, ...more) => {
    const file = path.join(folder, `${name}.xml`);
    const args = [
      "-m",
      "pytest",
      "python/tests",
      "-q",
      "-rs",
      "-o",
      `cache_dir=${path.join(folder, "pytest")}`,
      `--junitxml=${file}`,
      ...PYTEST_WORKERS,
      ...more,
    ];
    const { code } = await capture(setup.python, args, { env, echo: true });
    return readJunit(await readFile(file, "utf8").catch(() => null), code);
  };
  const first = await once("pytest");
  if (first.failed === 0 || process.env.CI !== "true") return first;
  // As in the suites of vitest: gloo, for one, sometimes aborts a rank that has done its work. What passes now only is named here.
  say(`\n=== python: ${first.failed} failed, those once more\n${first.failures.join("\n")}`);
  const again = await once("pytest-again", "--last-failed", "--last-failed-no-failures", "none");
  return { ...again, passed: first.passed + again.passed, skipped: first.skipped };
}

function report(rows, ms, leftOut) {
  const line = (name, passed, failed, skipped, time) =>
    `${name.padEnd(12)} ${passed.padStart(7)} ${failed.padStart(7)} ${skipped.padStart(8)}  ${time.padStart(12)}`;
  say(`\n${line("phase", "passed", "failed", "skipped", "time")}`);
  for (const row of rows) say(line(row.name, String(row.passed), String(row.failed), String(row.skipped), seconds(row.ms)));
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
  const [passed, failed, skipped] = [sum("passed"), sum("failed"), sum("skipped")];
  say(line("total", String(passed), String(failed), String(skipped), seconds(ms)));
  for (const row of rows) for (const failure of row.failures ?? []) say(`\nFAILED in ${row.name}: ${failure}`);
  const strict = process.env.CI === "true";
  if (skipped > 0) say(`Skipped tests are named above with their reasons${strict ? "; CI takes none" : ""}.`);
  if (leftOut.length > 0) say(`Not asked for: ${leftOut.join(", ")}`);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  if (failed > 0 || (strict && skipped > 0)) process.exitCode = 1;
}
