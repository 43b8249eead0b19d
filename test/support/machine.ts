/** What `npm test` prepared for the tests that need more than Node: the interpreter, the browser, the VS Code, the package. */
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
export const CLI = path.join(ROOT, "dist", "cli.cjs");

/** @throws Error which says how to get it; a test that cannot run fails */
function prepared(variable: string, fallback: string | null, what: string): string {
  const file = process.env[variable] ?? fallback;
  if (file === null || !existsSync(file)) throw new Error(`${what} is missing (${variable}); run the tests with npm test`);
  return file;
}

/** Python with torch, transformers, trl, peft and lightning. */
export function python(): string {
  return prepared("TRAINYARD_TEST_PYTHON", path.join(ROOT, ".venv", "bin", "python"), "the Python environment");
}

export function browser(): string {
  return prepared("TRAINYARD_TEST_BROWSER", "/usr/bin/chromium", "a Chromium");
}

export function codeServer(): string {
  return prepared("TRAINYARD_TEST_CODE_SERVER", null, "the VS Code of the tests");
}

export function vsix(): string {
  return prepared("TRAINYARD_TEST_VSIX", null, "the packaged extension");
}

export function builtCli(): string {
  return prepared("TRAINYARD_TEST_CLI", CLI, "the build");
}
