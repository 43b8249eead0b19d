/** What a folder holds, for comparing it with another byte for byte. */
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";

/** Relative path → the file's bytes in base64, `/` for a folder, `→ target` for a link. */
export async function folderBytes(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const file = path.join(folder, name);
    const info = await lstat(file);
    found[name] = info.isDirectory()
      ? "/"
      : info.isSymbolicLink()
        ? `→ ${await readlink(file)}`
        : (await readFile(file)).toString("base64");
  }
  return found;
}
