// `npm run bench -- <name> [arguments]`: runs one benchmark. Each prints a table and, as its last line, one JSON object, and ends with a
// code other than 0 when a target is missed.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folder = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(folder);
const names = readdirSync(folder)
  .filter((file) => /\.(py|mjs|ts)$/.test(file) && file !== "main.mjs")
  .map((file) => path.parse(file).name)
  .sort();

const [name, ...rest] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  console.error(`Which benchmark? npm run bench -- ${names.join(" | ")}`);
  process.exit(2);
}
const python = path.join(folder, `${name}.py`);
const [command, script] = existsSync(python) ? [interpreter(), python] : [process.execPath, await nodeScript(name)];
const done = spawnSync(command, [script, ...rest], {
  stdio: "inherit",
  cwd: root,
  env: { ...process.env, PYTHONPATH: path.join(root, "python"), OMP_NUM_THREADS: "1" },
});
if (done.error !== undefined) console.error(`${command} cannot be started: ${done.error.message}`);
process.exit(done.status ?? 1);

/** The benchmark as a script that node can run; one in TypeScript exports `run(): Promise<BenchResult>` and is bundled first. */
async function nodeScript(name) {
  if (!existsSync(path.join(folder, `${name}.ts`))) return path.join(folder, `${name}.mjs`);
  const { build } = await import("esbuild");
  const outfile = path.join(root, "node_modules", ".cache", "trainyard-bench", `${name}.mjs`);
  const contents = `import { run } from "./${name}.ts"; import { report } from "./lib/result.ts"; process.exitCode = report(await run());`;
  await build({
    stdin: { contents, resolveDir: folder, loader: "ts" },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
    logLevel: "error",
  });
  return outfile;
}

/** The interpreter named by TRAINYARD_PYTHON, the repository's own environment, or whatever python3 is. */
function interpreter() {
  const own = path.join(root, process.platform === "win32" ? ".venv/Scripts/python.exe" : ".venv/bin/python");
  return process.env["TRAINYARD_PYTHON"] ?? (existsSync(own) ? own : "python3");
}
