// Node packages and the build: done when missing or out of date, and quick to find out when they are not.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { StepFailure, root, step } from "./steps.mjs";

const MINIMUM_NODE = 20;
const SOURCES = [
  "protocol",
  "server",
  "cli",
  "src",
  "webviews",
  "media",
  "esbuild.mjs",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
];
/** Beside the packages, not in dist/: all of dist/ ships. */
const BUILD_STAMP = path.join(root, "node_modules", ".trainyard-built");

export function checkNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < MINIMUM_NODE)
    throw new StepFailure(
      `Node ${process.versions.node} is too old`,
      `Install Node ${MINIMUM_NODE} or newer (https://nodejs.org) and run this again.`,
    );
}

/** `npm ci`, when node_modules is not what package-lock.json says. */
export async function ensureNodePackages() {
  checkNode();
  const lock = await readFile(path.join(root, "package-lock.json"));
  const wanted = `${createHash("sha256").update(lock).digest("hex")} node-${process.versions.modules} ${process.platform}-${process.arch}\n`;
  const stamp = path.join(root, "node_modules", ".trainyard-lock");
  if ((await readFile(stamp, "utf8").catch(() => "")) === wanted) return;
  await step("installing the Node packages (npm ci)", "Check the network and `npm config get registry`, then run this again.", npm, [
    "ci",
    "--no-audit",
    "--no-fund",
  ]);
  await writeFile(stamp, wanted);
}

/**
 * Builds dist/ when a source is newer than it.
 * @param {{ production?: boolean }} [options] `production` insists on the minified build that is packaged
 */
export async function ensureBuild({ production = false } = {}) {
  const newest = await newestChange(SOURCES.map((name) => path.join(root, name)));
  const built = await readStamp();
  if (built !== null && built.newest === newest && (built.production || !production) && existsSync(path.join(root, "dist", "cli.cjs")))
    return;
  await step(
    production ? "building (production)" : "building",
    "The messages above name the file and line; fix it and run this again.",
    process.execPath,
    ["esbuild.mjs", ...(production ? ["--production"] : [])],
  );
  await writeFile(BUILD_STAMP, JSON.stringify({ newest, production }));
}

export const npm = process.platform === "win32" ? "npm.cmd" : "npm";

async function readStamp() {
  try {
    return JSON.parse(await readFile(BUILD_STAMP, "utf8"));
  } catch {
    return null;
  }
}

/** Newest modification under the paths, with their number, so that a removed file is noticed too. */
async function newestChange(paths) {
  let newest = 0;
  let files = 0;
  const visit = async (file) => {
    const info = await stat(file).catch(() => null);
    if (info === null) return;
    if (info.isDirectory()) {
      for (const name of await readdir(file)) await visit(path.join(file, name));
      return;
    }
    files += 1;
    newest = Math.max(newest, info.mtimeMs);
  };
  for (const file of paths) await visit(file);
  return `${files} files, ${newest}`;
}
