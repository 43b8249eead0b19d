/** Which Python runs the training. */
import { accessSync, constants, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { TrainyardError } from "../../protocol/errors.ts";

export interface InterpreterQuery {
  /** The spec's own choice. */
  readonly wanted: string | undefined;
  /** The server's default (`--python`, the editor's choice). */
  readonly fallback: string | undefined;
  readonly baseDir: string;
  readonly env?: NodeJS.ProcessEnv;
}

const EXECUTABLE = process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"];

/**
 * Absolute path of the interpreter: the spec's, the server's default, the active virtual environment, `.venv` of the folder, `python3` or
 * `python` of PATH. An explicit choice that does not exist is an error, never silently replaced by another.
 * @throws TrainyardError python_unusable
 */
export function findInterpreter(query: InterpreterQuery): string {
  const env = query.env ?? process.env;
  for (const [wanted, whence] of [
    [query.wanted, "the spec"],
    [query.fallback, "the server's settings"],
  ] as const) {
    if (wanted === undefined || wanted === "") continue;
    const found = resolveProgram(wanted, query.baseDir, env);
    if (found !== null) return found;
    throw unusable(
      `there is no Python at ${wanted} (from ${whence})`,
      "Name an interpreter that exists, or leave it out to use the default.",
    );
  }
  const active = env["VIRTUAL_ENV"];
  const candidates = [
    ...(active === undefined || active === "" ? [] : [path.join(active, ...EXECUTABLE)]),
    path.join(query.baseDir, ".venv", ...EXECUTABLE),
    "python3",
    "python",
  ];
  for (const candidate of candidates) {
    const found = resolveProgram(candidate, query.baseDir, env);
    if (found !== null) return found;
  }
  throw unusable("no Python was found", "Install Python 3.9 or newer, or name the interpreter in the field python.");
}

/** A path (relative to `base`, or with ~) or a name on PATH, as an absolute path; null when nothing can be executed there. */
export function resolveProgram(program: string, base: string, env: NodeJS.ProcessEnv = process.env): string | null {
  const home = program.startsWith("~/") ? path.join(os.homedir(), program.slice(2)) : program;
  if (path.isAbsolute(home) || home.includes("/") || home.includes(path.sep)) {
    const file = path.resolve(base, home);
    return isExecutable(file) ? file : null;
  }
  const names = process.platform === "win32" && !home.toLowerCase().endsWith(".exe") ? [`${home}.exe`, home] : [home];
  for (const folder of (env["PATH"] ?? "").split(path.delimiter))
    for (const name of names) {
      if (folder === "") continue;
      const file = path.resolve(base, folder, name);
      if (isExecutable(file)) return file;
    }
  return null;
}

function isExecutable(file: string): boolean {
  try {
    if (!statSync(file).isFile()) return false;
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function unusable(message: string, hint: string): TrainyardError {
  return new TrainyardError("python_unusable", message, hint, [{ severity: "error", field: "python", message, hint }]);
}
