// `npm run test:faults -- [--count KILLS] [--seed N] [--kills-only]`: kills at random moments, whether anything was lost by them, then the
// faults that are made on purpose. Ends with a code other than 0 when something was lost. See docs/reliability.md.
import { build } from "esbuild";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { ensureBuild, ensureNodePackages } from "./lib/node-env.mjs";
import { capture, root, runMain } from "./lib/steps.mjs";

const args = process.argv.slice(2).filter((arg) => arg !== "--kills-only");
const killsOnly = args.length < process.argv.length - 2;

await runMain(async () => {
  await ensureNodePackages();
  await ensureBuild();
  const scratch = path.join(root, "node_modules/.cache/trainyard");
  await mkdir(scratch, { recursive: true });
  const bundle = path.join(scratch, `faults-${process.pid}.mjs`);
  try {
    // Node 20 does not read TypeScript.
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
    process.exitCode = await main(args);
    if (killsOnly) return;
    const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
    const rest = await capture(process.execPath, [vitest, "run", "--config", "test/faults/vitest.config.mts"], { echo: true });
    if (rest.code !== 0) process.exitCode = 1;
  } finally {
    await rm(bundle, { force: true });
  }
});
