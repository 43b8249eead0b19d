// `npm run package`: the .vsix from a production build, checked for what must and must not be in it.
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBuild, ensureNodePackages } from "./lib/node-env.mjs";
import { StepFailure, root, runMain, say, step } from "./lib/steps.mjs";
import { listZip } from "./lib/zip.mjs";

const LARGEST_BYTES = 3 * 1024 * 1024;
const REQUIRED = [
  "extension/package.json",
  "extension/readme.md",
  "extension/LICENSE.txt",
  "extension/dist/extension.cjs",
  "extension/dist/extension-later.cjs",
  "extension/dist/server.cjs",
  "extension/dist/server-rooms.cjs",
  "extension/dist/catalog-worker.cjs",
  "extension/dist/supervisor.cjs",
  "extension/dist/cli.cjs",
  "extension/dist/sql-wasm.wasm",
  "extension/dist/run-spec.schema.json",
  "extension/dist/webviews/dashboard.js",
  "extension/dist/webviews/builder.js",
  "extension/dist/webviews/app.js",
  "extension/dist/webviews/index.html",
  "extension/python/trainyard/__init__.py",
  "extension/python/trainyard/_hook/sitecustomize.py",
];
/** Everything that ships lies under one of these; the rest does not belong into the package. */
const ALLOWED =
  /^(\[Content_Types\]\.xml|extension\.vsixmanifest|extension\/(package\.json|readme\.md|changelog\.md|LICENSE\.txt|(dist|media|python|docs\/pictures)\/.*))$/i;
const FORBIDDEN = /__pycache__|\.pyc$|\/tests\/|\.map$|egg-info|requirements-dev/;

/** @returns {Promise<string>} absolute path of the .vsix */
export async function makePackage() {
  await ensureNodePackages();
  await ensureBuild({ production: true });
  const { version } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
  const file = path.join(root, `trainyard-${version}.vsix`);
  const vsce = path.join(root, "node_modules", "@vscode", "vsce", "vsce");
  await step("packaging", "vsce says above what it misses; see .vscodeignore and package.json.", process.execPath, [
    vsce,
    "package",
    "--no-dependencies",
    "--allow-missing-repository",
    "--skip-license",
    "--no-rewrite-relative-links",
    "--out",
    file,
  ]);
  await checkPackage(file);
  return file;
}

/** @throws {StepFailure} */
export async function checkPackage(file) {
  if (!existsSync(file)) throw new StepFailure(`${file} was not written`, "Run npm run package and read its output.");
  const { size } = await stat(file);
  const names = listZip(await readFile(file));
  const readme = await readFile(path.join(root, "README.md"), "utf8");
  const pictures = Array.from(readme.matchAll(/\]\((docs\/pictures\/[^)]+)\)/g), ([, picture]) => `extension/${picture}`);
  const missing = [...REQUIRED, ...pictures].filter((name) => !names.some((found) => found.toLowerCase() === name.toLowerCase()));
  const surplus = names.filter((name) => FORBIDDEN.test(name) || !ALLOWED.test(name));
  if (missing.length > 0) throw new StepFailure(`the package lacks ${missing.join(", ")}`, "See .vscodeignore and esbuild.mjs.");
  if (surplus.length > 0) throw new StepFailure(`the package holds what does not ship: ${surplus.join(", ")}`, "Add it to .vscodeignore.");
  if (size > LARGEST_BYTES)
    throw new StepFailure(
      `the package has ${(size / 1024 / 1024).toFixed(2)} MiB, more than ${LARGEST_BYTES / 1024 / 1024}`,
      "Look for a new large dependency: npx esbuild --analyze.",
    );
  say(`  ${path.basename(file)}: ${names.length} files, ${(size / 1024 / 1024).toFixed(2)} MiB`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await runMain(async () => {
    process.stdout.write(`${await makePackage()}\n`);
  });
}
