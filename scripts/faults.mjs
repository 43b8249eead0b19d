// `npm run test:faults -- [--count KILLS] [--seed N] [--seconds LIMIT] [--requests N] [--frames N] [--log-mb N] [--kills-only] [--keep]`
//
// Kills at random moments and whether anything was lost by them (a table), the faults that are made on purpose, and malformed requests and
// frames. Ends with a code other than 0 when one of them finds something. See docs/reliability.md.
import { build } from "esbuild";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { ensureBuild, ensureNodePackages } from "./lib/node-env.mjs";
import { capture, root, runMain } from "./lib/steps.mjs";

const VITEST = path.join(root, "node_modules", "vitest", "vitest.mjs");

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    seconds: { type: "string", default: "0" },
    requests: { type: "string", default: "2000" },
    frames: { type: "string", default: "1000" },
    "log-mb": { type: "string", default: "160" },
    "kills-only": { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});

await runMain(async () => {
  await ensureNodePackages();
  await ensureBuild();
  const kept = await kills();
  if (values["kills-only"]) {
    process.exitCode = kept;
    return;
  }
  const made = await vitest(["--config", "test/faults/vitest.config.mts"], { TRAINYARD_TEST_LOG_MB: values["log-mb"] });
  const edge = await vitest(["test/http/server.test.ts", "test/http/stream.test.ts", "-t", "no malformed request|survives whatever"], {
    TRAINYARD_TEST_REQUESTS: values.requests,
    TRAINYARD_TEST_FRAMES: values.frames,
  });
  process.exitCode = kept === 0 && made === 0 && edge === 0 ? 0 : 1;
});

/** Node 20 does not read TypeScript, so the program is bundled first. */
async function kills() {
  const scratch = path.join(root, "node_modules/.cache/trainyard");
  await mkdir(scratch, { recursive: true });
  const bundle = path.join(scratch, `faults-${process.pid}.mjs`);
  try {
    await build({
      entryPoints: [path.join(root, "test/faults/chaos/main.ts")],
      bundle: true,
      packages: "external",
      format: "esm",
      platform: "node",
      target: "node20",
      outfile: bundle,
      logLevel: "warning",
    });
    process.chdir(root);
    process.env["TRAINYARD_TEST_CLI"] = path.join(root, "dist", "cli.cjs");
    const { main } = await import(bundle);
    return await main({
      count: Number(values.count),
      seed: Number(values.seed),
      seconds: Number(values.seconds),
      keep: values.keep,
    });
  } finally {
    await rm(bundle, { force: true });
  }
}

async function vitest(args, env) {
  const { code } = await capture(process.execPath, [VITEST, "run", ...args], { env, echo: true });
  return code;
}
