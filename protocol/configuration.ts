/** What makes two runs the same training: their params as flat paths, and which of those are seeds. */
import type { JsonObject, JsonValue } from "./json.ts";

const SEED = /(^|\.)(random_|data_)?seed$/;

/** Is the param a seed? @param path its keys joined by dots */
export function isSeed(path: string): boolean {
  return SEED.test(path);
}

/** `{ lora: { r: 16 } }` as `lora.r` → 16; lists stay whole, since their places mean little apart. */
export function flatten(object: JsonObject, prefix = ""): Map<string, JsonValue> {
  const flat = new Map<string, JsonValue>();
  for (const [key, value] of Object.entries(object)) {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    if (typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0)
      for (const [inner, leaf] of flatten(value, path)) flat.set(inner, leaf);
    else flat.set(path, value);
  }
  return flat;
}

/**
 * What a training takes from the shell it was started in. The server may live in another shell's environment, and everything named
 * here is kept with the run, so variables that may hold secrets are not in the list.
 */
export const SHELL_VARIABLES = [
  "PATH",
  "PYTHONPATH",
  "LD_LIBRARY_PATH",
  "VIRTUAL_ENV",
  "CONDA_PREFIX",
  "CONDA_DEFAULT_ENV",
  "CUDA_VISIBLE_DEVICES",
  "OMP_NUM_THREADS",
  "HF_HOME",
  "HF_HUB_OFFLINE",
  "HF_DATASETS_OFFLINE",
  "TRANSFORMERS_OFFLINE",
  "TOKENIZERS_PARALLELISM",
] as const;
