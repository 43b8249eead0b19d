import { execFile } from "node:child_process";
import { chmod, mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { launcherFile } from "../../src/terminal-launcher.ts";

const run = promisify(execFile);
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "trainyard-terminal-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test("the launcher runs the command line with its arguments, wherever it lies", async () => {
  const odd = path.join(folder, "it's a folder");
  await mkdir(odd);
  const cli = path.join(odd, "cli.cjs");
  await writeFile(cli, "console.log(JSON.stringify(process.argv.slice(2)))");
  const launcher = launcherFile("linux", process.execPath, cli);
  const file = path.join(odd, launcher.name);
  await writeFile(file, launcher.text);
  await chmod(file, 0o755);
  const { stdout } = await run(file, ["run", "--", "python", "a b.py", "$HOME"]);
  expect(JSON.parse(stdout)).toEqual(["run", "--", "python", "a b.py", "$HOME"]);
});
