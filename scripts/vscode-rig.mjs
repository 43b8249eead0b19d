// Installs the VS Code that the end-to-end tests drive: code-server carries the real workbench and the real remote extension host.
// A plain `npm install code-server` refuses root, wants Kerberos headers and downloads ripgrep, so it is put together step by step.
// `node scripts/vscode-rig.mjs` installs it into the cache and prints its entry point.
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { COMPLETE, cacheRoot } from "./lib/cache.mjs";
import { npm } from "./lib/node-env.mjs";
import { StepFailure, capture, runMain, say, step, withLock } from "./lib/steps.mjs";

const VERSION = "4.100.3"; // VS Code 1.100, the newest that runs on Node 20
const NATIVE_MODULES = ["@vscode/spdlog", "node-pty", "native-watchdog"];
const RIPGREP = `@vscode/ripgrep-${process.platform}-${process.arch}@1.18.0`;
const NETWORK = "Check the network and `npm config get registry`, then run this again.";
const COMPILER = "A C++ compiler, make and Python are needed (Debian: apt-get install build-essential python3).";

/** @returns {Promise<string>} absolute path of code-server's entry.js */
export async function ensureVscodeRig() {
  const folder = path.join(cacheRoot, `code-server-${VERSION}`);
  if (!existsSync(path.join(folder, COMPLETE))) await withLock(folder, () => install(folder));
  return path.join(folder, "node_modules", "code-server", "out", "node", "entry.js");
}

async function install(folder) {
  if (existsSync(path.join(folder, COMPLETE))) return;
  if (process.platform === "win32")
    throw new StepFailure("the end-to-end tests' VS Code does not run on Windows itself", "Run the tests under WSL or Linux.");
  say(`Setting up the tests' VS Code in ${folder} (once; about a minute)`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "package.json"), '{ "private": true }\n');

  const install = ["install", "--ignore-scripts", "--no-audit", "--no-fund"];
  await step("fetching code-server", NETWORK, npm, [...install, `code-server@${VERSION}`], { cwd: folder });
  await step("building argon2", COMPILER, npm, ["rebuild", "argon2", "--ignore-scripts=false"], { cwd: folder });

  const vscode = path.join(folder, "node_modules", "code-server", "lib", "vscode");
  // npm ci refuses: the lock file and the package do not agree.
  await step("fetching VS Code's modules", NETWORK, npm, [...install, "--omit=dev"], { cwd: vscode });
  await buildNativeModules(vscode);
  await placeRipgrep(folder, vscode);
  await symlink("node_modules", path.join(vscode, "node_modules.asar"));
  await step("fetching the built-in extensions' modules", NETWORK, npm, [...install, "--omit=dev"], {
    cwd: path.join(vscode, "extensions"),
  });

  const entry = path.join(folder, "node_modules", "code-server", "out", "node", "entry.js");
  await step("starting it once", `Remove ${folder} and run this again.`, process.execPath, [entry, "--version"], { cwd: folder });
  await writeFile(path.join(folder, COMPLETE), `${new Date().toISOString()}\n`);
}

/** node-gyp directly: `npm rebuild node-pty` calls npx, which wants the network. */
async function buildNativeModules(vscode) {
  const gyp = await nodeGyp();
  const headers = await nodeHeaders();
  for (const name of NATIVE_MODULES) {
    const cwd = path.join(vscode, "node_modules", name);
    if (!existsSync(path.join(cwd, "binding.gyp"))) throw new StepFailure(`${name} is not where it was expected (${cwd})`, NETWORK);
    await step(`building ${name}`, COMPILER, process.execPath, [gyp, "rebuild", ...headers], { cwd });
  }
}

/** The node-gyp that npm carries. */
async function nodeGyp() {
  const { stdout } = await capture(npm, ["root", "--global"]);
  const bin = path.dirname(process.execPath);
  const places = [stdout.trim(), path.join(bin, "..", "lib", "node_modules"), path.join(bin, "node_modules"), "/usr/share/nodejs"];
  const gyp = places
    .map((place) => path.join(place, "npm", "node_modules", "node-gyp", "bin", "node-gyp.js"))
    .find((file) => existsSync(file));
  if (gyp === undefined) throw new StepFailure("npm's own node-gyp was not found", "Install Node with its npm (https://nodejs.org).");
  return gyp;
}

/** Node's headers where this Node brought them along; otherwise node-gyp fetches them from nodejs.org. */
async function nodeHeaders() {
  for (const prefix of [path.join(path.dirname(process.execPath), ".."), "/usr"]) {
    const version = await readFile(path.join(prefix, "include", "node", "node_version.h"), "utf8").catch(() => "");
    if (new RegExp(`#define NODE_MAJOR_VERSION ${process.versions.node.split(".")[0]}\\b`).test(version))
      return [`--nodedir=${path.resolve(prefix)}`];
  }
  return [];
}

/** The package downloads the program from GitHub after its install; the registry has it as a package for each platform. */
async function placeRipgrep(folder, vscode) {
  const own = path.join(folder, "ripgrep");
  await mkdir(own, { recursive: true });
  await writeFile(path.join(own, "package.json"), '{ "private": true }\n');
  await step("fetching ripgrep", NETWORK, npm, ["install", "--ignore-scripts", "--no-audit", "--no-fund", RIPGREP], { cwd: own });
  const bin = path.join(vscode, "node_modules", "@vscode", "ripgrep", "bin");
  await mkdir(bin, { recursive: true });
  await copyFile(
    path.join(own, "node_modules", "@vscode", `ripgrep-${process.platform}-${process.arch}`, "bin", "rg"),
    path.join(bin, "rg"),
  );
  await chmod(path.join(bin, "rg"), 0o755);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await runMain(async () => {
    process.stdout.write(`${await ensureVscodeRig()}\n`);
  });
}
