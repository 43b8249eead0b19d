/** Which attempts a run folder holds. */
import { readdir } from "node:fs/promises";
import { isAbsent } from "./fs-errors.ts";
import type { RunPaths } from "./types.ts";

/** Numbers of the attempt folders, ascending. */
export async function attemptNumbers(paths: RunPaths): Promise<number[]> {
  try {
    const names = await readdir(paths.attempts);
    return names
      .filter((name) => /^[1-9]\d{0,8}$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}
