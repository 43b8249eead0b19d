/** Which store a command means when it does not say. */
import { existsSync } from "node:fs";
import os from "node:os";
import path from "node:path";

const STORE_FOLDER = ".trainyard";

export interface StoreLocation {
  /** Absolute path of the store. */
  readonly dir: string;
  /** The workspace: what relative paths of a document refer to. */
  readonly workspace: string;
}

/** `--store`, $TRAINYARD_STORE, the nearest `.trainyard` upwards (not beyond a repository's root or into the home folder), or one here. */
export function locateStore(
  option: string | undefined,
  cwd: string = process.cwd(),
  env: Readonly<Record<string, string | undefined>> = process.env,
): StoreLocation {
  const named = option ?? env["TRAINYARD_STORE"];
  if (named !== undefined && named !== "") {
    const dir = path.resolve(cwd, named);
    // A store inside a workspace belongs to it; one elsewhere (a large disk) does not make its folder the workspace.
    return { dir, workspace: path.basename(dir) === STORE_FOLDER ? path.dirname(dir) : cwd };
  }
  for (let dir = cwd; ; dir = path.dirname(dir)) {
    if (existsSync(path.join(dir, STORE_FOLDER))) return { dir: path.join(dir, STORE_FOLDER), workspace: dir };
    const parent = path.dirname(dir);
    if (parent === dir || parent === os.homedir() || existsSync(path.join(dir, ".git"))) break;
  }
  return { dir: path.join(cwd, STORE_FOLDER), workspace: cwd };
}
