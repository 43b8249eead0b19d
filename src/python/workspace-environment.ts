/** Virtual environments that lie in the workspace itself. */
import { access, constants } from "node:fs/promises";
import path from "node:path";

const FOLDERS = [".venv", "venv", "env"] as const;

/** Absolute path of the first interpreter found, or null. */
export async function workspaceInterpreter(baseDir: string): Promise<string | null> {
  for (const folder of FOLDERS) {
    const candidate =
      process.platform === "win32" ? path.join(baseDir, folder, "Scripts", "python.exe") : path.join(baseDir, folder, "bin", "python");
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // not this one
    }
  }
  return null;
}
