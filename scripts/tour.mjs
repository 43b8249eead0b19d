// `npm run tour`: walks through docs/tour.md in a real VS Code and takes its pictures anew (docs/pictures/tour/), with palettes, since README's travel in the package.
import path from "node:path";
import { ensureBrowser } from "./lib/browser.mjs";
import { ensureNodePackages } from "./lib/node-env.mjs";
import { ensurePython } from "./lib/python-env.mjs";
import { StepFailure, capture, root, runMain, step } from "./lib/steps.mjs";
import { makePackage } from "./package.mjs";
import { ensureVscodeRig } from "./vscode-rig.mjs";

await runMain(async () => {
  await ensureNodePackages();
  const python = await ensurePython();
  const env = {
    TRAINYARD_TEST_PYTHON: python,
    TRAINYARD_TEST_BROWSER: await ensureBrowser(),
    TRAINYARD_TEST_CODE_SERVER: await ensureVscodeRig(),
    TRAINYARD_TEST_VSIX: await makePackage(),
  };
  const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
  const { code } = await capture(process.execPath, [vitest, "run", "--config", "test/e2e/tour/vitest.config.mts"], { env, echo: true });
  if (code !== 0) throw new StepFailure("a stop of the tour was not reached", "test-results/ holds a picture of where it stood.");
  const shrink = path.join(root, "scripts", "shrink_pictures.py");
  await step("shrinking the pictures", "The Python environment must have Pillow (python/requirements-dev.txt).", python, [
    shrink,
    path.join(root, "docs", "pictures"),
  ]);
});
