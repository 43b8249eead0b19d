// Where set-up keeps what is large and the same for every checkout: the Python environment and the VS Code of the tests.
import os from "node:os";
import path from "node:path";

export const cacheRoot = process.env.TRAINYARD_DEV_CACHE ?? path.join(os.homedir(), ".cache", "trainyard-dev");

/** Written last into a folder that was set up completely: without it the folder is built again. */
export const COMPLETE = ".complete";
