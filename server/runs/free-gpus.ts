/** Are the GPUs that a run wants free? From what its document and the documents of others say, and what nvidia-smi tells of the memory. Pure. */
import type { RunSpec } from "../../protocol/spec.ts";
import type { GpuSample } from "../../protocol/system.ts";

/** A GPU with less of its memory in use is free: a driver and a desktop take a little. */
const FREE_SHARE = 0.1;

/** The GPUs of a run as CUDA_VISIBLE_DEVICES names them; "all" where its document names none. */
export type WantedGpus = readonly string[] | "all";

export function wantedGpus({ env, launch }: Pick<RunSpec, "env" | "launch">): WantedGpus {
  // The spec's own variable is what its process gets.
  const named = env["CUDA_VISIBLE_DEVICES"]?.split(",").map((word) => word.trim()) ?? launch.gpus;
  // CUDA stops at what names none, and an empty list shows none.
  const end = named.findIndex((word) => word === "" || word.startsWith("-"));
  if (end >= 0) return named.slice(0, end);
  return named.length === 0 ? "all" : named;
}

export interface Holder {
  readonly name: string;
  readonly gpus: WantedGpus;
}

/**
 * @param holders living runs that hold the GPUs they want, whatever they use of them yet
 * @param samples null while they are not known
 * @returns one sentence; null when the run may start
 */
export function whyNoGpu(wanted: WantedGpus, holders: readonly Holder[], samples: readonly GpuSample[] | null): string | null {
  if (wanted !== "all" && wanted.length === 0) return null;
  if (samples === null) return "It is being looked which GPUs are free.";
  if (samples.length === 0) return "It waits for GPUs, and nvidia-smi shows none.";
  const chosen = wanted === "all" ? samples : wanted.map((word) => samples.find((gpu) => isNamed(gpu, word)) ?? word);
  for (const gpu of chosen) {
    if (typeof gpu === "string") return `nvidia-smi shows no GPU ${gpu}.`;
    const holder = holders.find(({ gpus }) => gpus === "all" || gpus.some((word) => isNamed(gpu, word)));
    if (holder !== undefined) return `GPU ${String(gpu.index)} is held by ${holder.name}.`;
    const { memory_used_bytes: used, memory_total_bytes: total } = gpu;
    if (used === null || total === null) return `How much memory of GPU ${String(gpu.index)} is in use is not known.`;
    if (used > FREE_SHARE * total) return `More than ${String(FREE_SHARE * 100)}% of the memory of GPU ${String(gpu.index)} is in use.`;
  }
  return null;
}

/** CUDA takes an index, or the beginning of a UUID. */
function isNamed({ index, uuid }: GpuSample, word: string): boolean {
  return word === String(index) || (/^(GPU|MIG)-/.test(word) && uuid?.startsWith(word) === true);
}
