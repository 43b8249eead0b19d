/** Finds a program as a shell would. */
import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";

/** @returns absolute path, or null when there is none; links are not followed, since a venv's python is one */
export function findExecutable(name: string, cwd: string, searchPath: string | undefined): string | null {
  if (name === "") return null;
  if (name.includes("/") || name.includes(path.sep)) return firstExecutable(path.resolve(cwd, name));
  for (const folder of (searchPath ?? "").split(path.delimiter)) {
    const found = folder === "" ? null : firstExecutable(path.join(path.resolve(cwd, folder), name));
    if (found !== null) return found;
  }
  return null;
}

function firstExecutable(file: string): string | null {
  const candidates = process.platform === "win32" ? [file, `${file}.exe`, `${file}.cmd`] : [file];
  return candidates.find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
