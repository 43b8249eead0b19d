// `npm run test:faults -- [--only PART]… [--seed N] [--count KILLS] [--seconds LIMIT] [--memory-minutes M] [--requests N] [--frames N] [--log-mb N] [--keep]`
//
// The parts, all of them unless told otherwise: `kills` at random moments and whether anything was lost by them (a table), of the
// extension host of real `windows` (a table), `memory` of a server with eight live runs and visitors that come and go (a table), the faults
// that are `made` on purpose, and malformed requests and frames at the `edge`. Ends with a code other than 0 when one of them finds something. See docs/reliability.md.
import { build } from "esbuild";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { ensureBrowser } from "./lib/browser.mjs";
import { ensureBuild, ensureNodePackages } from "./lib/node-env.mjs";
import { ensurePython } from "./lib/python-env.mjs";
import { StepFailure, capture, root, runMain } from "./lib/steps.mjs";
import { makePackage } from "./package.mjs";
import { ensureVscodeRig } from "./vscode-rig.mjs";

const VITEST = path.join(root, "node_modules", "vitest", "vitest.mjs");

const PARTS = { kills, windows, memory, made, edge };

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: Object.keys(PARTS) },
    count: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    seconds: { type: "string", default: "0" },
    requests: { type: "string", default: "2000" },
    frames: { type: "string", default: "1000" },
    "memory-minutes": { type: "string", default: "1" },
    "log-mb": { type: "string", default: "160" },
    keep: { type: "boolean", default: false },
  },
});

await runMain(async () => {
  const unknown = values.only.filter((name) => !(name in PARTS));
  if (unknown.length > 0)
    throw new StepFailure(`there is no part ${unknown.join(", ")}`, `The parts are ${Object.keys(PARTS).join(", ")}.`);
  await ensureNodePackages();
  await ensureBuild();
  process.chdir(root);
  process.env["TRAINYARD_TEST_CLI"] = path.join(root, "dist", "cli.cjs");
  // A torchrun pair needs torch: without it each of them would fail for a reason of its own.
  process.env["TRAINYARD_TEST_PYTHON"] ??= await ensurePython();
  for (const [name, part] of Object.entries(PARTS)) {
    if (!values.only.includes(name)) continue;
    if ((await part()) !== 0) process.exitCode = 1;
  }
});

/** @returns the exit code, as of all parts */
function kills() {
  const order = { count: Number(values.count), seed: Number(values.seed), seconds: Number(values.seconds), keep: values.keep };
  return program("test/faults/chaos/main.ts", order);
}

async function windows() {
  process.env["TRAINYARD_TEST_VSIX"] ??= await makePackage();
  process.env["TRAINYARD_TEST_CODE_SERVER"] ??= await ensureVscodeRig();
  process.env["TRAINYARD_TEST_BROWSER"] ??= await ensureBrowser();
  return program("test/faults/windows/main.ts", {});
}

function memory() {
  return program("test/faults/memory/main.ts", { minutes: Number(values["memory-minutes"]), seed: Number(values.seed), perSecond: 20 });
}

function made() {
  return vitest(["--config", "test/faults/vitest.config.mts"], { TRAINYARD_TEST_LOG_MB: values["log-mb"] });
}

function edge() {
  return vitest(["test/http/requests.test.ts", "test/http/stream.test.ts", "-t", "generated requests|survives whatever"], {
    TRAINYARD_TEST_REQUESTS: values.requests,
    TRAINYARD_TEST_FRAMES: values.frames,
  });
}

/** Node 20 does not read TypeScript, so the program, which exports `main(order)`, is bundled first. */
async function program(file, order) {
  const scratch = path.join(root, "node_modules/.cache/trainyard");
  await mkdir(scratch, { recursive: true });
  const bundle = path.join(scratch, `faults-${process.pid}-${path.basename(path.dirname(file))}.mjs`);
  try {
    await build({
      entryPoints: [path.join(root, file)],
      bundle: true,
      packages: "external",
      format: "esm",
      platform: "node",
      target: "node20",
      // The tests find the repository from where their own helpers lie, which is not where the bundle lies.
      define: { "import.meta.url": JSON.stringify(pathToFileURL(path.join(root, "test", "support", "machine.ts")).href) },
      outfile: bundle,
      logLevel: "warning",
    });
    const { main } = await import(bundle);
    return await main(order);
  } finally {
    await rm(bundle, { force: true });
  }
}

async function vitest(args, env) {
  const { code } = await capture(process.execPath, [VITEST, "run", ...args], { env, echo: true });
  return code;
}
