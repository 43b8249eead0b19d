/** Is a checkpoint whole, and what kind is it? Looks at files; loads nothing. */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { CheckpointKind } from "../../protocol/artifact.ts";
import type { WireNumber } from "../../protocol/json.ts";
import { toWireNumber } from "../../protocol/wire-number.ts";
import { checkFile, checkTorchFile, parseLenient, wordsInTorchFile } from "./file-checks.ts";
import { readWholeText } from "./open-file.ts";

export interface CheckpointContent {
  readonly kind: CheckpointKind;
  readonly framework: string;
  /** Step that the checkpoint itself names, or null. */
  readonly step: number | null;
  readonly metrics: Readonly<Record<string, WireNumber>>;
  /** Why it cannot be used, as a sentence; null when it is whole. */
  readonly problem: string | null;
}

export interface CheckpointFile {
  /** Name inside the checkpoint folder, with "/" between parts. */
  readonly name: string;
  readonly size: number;
  readonly modified: number;
}

const WEIGHT_FILES = ["model.safetensors", "pytorch_model.bin"];
const WEIGHT_INDEXES = ["model.safetensors.index.json", "pytorch_model.bin.index.json"];
const ADAPTER_FILES = ["adapter_model.safetensors", "adapter_model.bin"];
const UNFINISHED = /\.(incomplete|partial|part|tmp|temp)$/;
const MAX_FILES = 2000;

/** Files of a checkpoint (one for a file), or null when it is not there. */
export async function checkpointFiles(location: string): Promise<CheckpointFile[] | null> {
  const stats = await stat(location).catch(() => null);
  if (stats === null) return null;
  if (stats.isFile()) return [{ name: "", size: stats.size, modified: stats.mtimeMs }];
  const files: CheckpointFile[] = [{ name: ".", size: 0, modified: stats.mtimeMs }];
  await collect(location, "", 0, files);
  return files;
}

async function collect(folder: string, prefix: string, depth: number, files: CheckpointFile[]): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (files.length >= MAX_FILES) return;
    const name = prefix + entry.name;
    if (entry.isDirectory()) {
      if (depth < 4) await collect(path.join(folder, entry.name), `${name}/`, depth + 1, files);
      continue;
    }
    const stats = await stat(path.join(folder, entry.name)).catch(() => null);
    if (stats?.isFile() === true) files.push({ name, size: stats.size, modified: stats.mtimeMs });
  }
}

/**
 * @param reported what the SDK said of it, where it did: a reported kind has to be borne out by the files
 */
export async function checkCheckpoint(
  location: string,
  files: readonly CheckpointFile[],
  reported: { kind: CheckpointKind; framework: string } | null,
): Promise<CheckpointContent> {
  if (files.length === 1 && files[0]?.name === "") return checkSingleFile(location, reported);
  const names = new Set(files.map((file) => file.name));
  names.delete(".");
  const unfinished = [...names].find((name) => UNFINISHED.test(name));
  const base = { kind: reported?.kind ?? "weights", framework: reported?.framework ?? "custom", step: null, metrics: {} };
  if (names.size === 0) return { ...base, problem: "the folder is empty" };
  if (unfinished !== undefined) return { ...base, problem: `${unfinished} was never finished` };
  const looksHuggingFace =
    names.has("trainer_state.json") ||
    (/^checkpoint-\d+$/.test(path.basename(location)) && reported?.framework !== "custom" && reported?.framework !== "lightning");
  if (looksHuggingFace) return checkHuggingFace(location, names, reported);
  return { ...base, problem: await firstProblem(location, [...names]) };
}

async function checkSingleFile(file: string, reported: { kind: CheckpointKind; framework: string } | null): Promise<CheckpointContent> {
  const problem = await checkFile(file);
  const step = /step[=_-]?(\d+)/.exec(path.basename(file))?.[1] ?? /(\d+)\.\w+$/.exec(path.basename(file))?.[1];
  const shared = { step: step === undefined ? null : Number(step), metrics: {}, problem: problem === null ? null : `the file ${problem}` };
  if (reported !== null) return { ...shared, ...reported };
  if (!/\.(ckpt|pt|pth)$/.test(file)) return { ...shared, kind: "weights", framework: "custom" };
  const words = problem === null ? await wordsInTorchFile(file, ["optimizer_states", "pytorch-lightning_version"]) : new Set<string>();
  return {
    ...shared,
    kind: words.has("optimizer_states") ? "full" : "weights",
    framework: words.has("pytorch-lightning_version") || file.endsWith(".ckpt") ? "lightning" : "custom",
  };
}

async function checkHuggingFace(
  folder: string,
  names: ReadonlySet<string>,
  reported: { kind: CheckpointKind; framework: string } | null,
): Promise<CheckpointContent> {
  const adapter = ADAPTER_FILES.find((name) => names.has(name));
  const deepspeed = names.has("latest");
  const hasOptimizer =
    names.has("optimizer.pt") || names.has("optimizer.bin") || deepspeed || [...names].some((n) => /^optimizer_\d+\//.test(n));
  const kind: CheckpointKind = reported?.kind ?? (hasOptimizer ? "full" : adapter !== undefined ? "adapter" : "weights");
  const framework = reported?.framework ?? "huggingface";
  const state = await trainerState(folder, names);
  const result = { kind, framework, step: state.step, metrics: state.metrics };

  // trainer_state.json is written last: without it the save was cut short.
  if (state.problem !== null && (kind === "full" || reported === null)) return { ...result, problem: state.problem };
  if (kind === "full") {
    if (!hasOptimizer) return { ...result, problem: "optimizer.pt is missing" };
    if (!deepspeed && !names.has("scheduler.pt")) return { ...result, problem: "scheduler.pt is missing" };
  }
  const weights = await weightFiles(folder, names, adapter, deepspeed || hasShardedWeights(names));
  if (typeof weights === "string") return { ...result, problem: weights };
  // training_args.bin holds a pickle that resuming does not need; it is not looked at.
  const rest = [...names].filter((name) => !name.includes("/") && /^(optimizer|scheduler|rng_state|scaler).*\.(pt|pth|bin)$/.test(name));
  return { ...result, problem: (await firstProblem(folder, [...weights, ...rest])) ?? (await badJson(folder, names)) };
}

/** Names of the files that hold the parameters, or what is wrong with them. */
async function weightFiles(
  folder: string,
  names: ReadonlySet<string>,
  adapter: string | undefined,
  sharded: boolean,
): Promise<string[] | string> {
  if (adapter !== undefined) return names.has("adapter_config.json") ? [adapter] : "adapter_config.json is missing";
  const whole = WEIGHT_FILES.find((name) => names.has(name));
  if (whole !== undefined) return [whole];
  const index = WEIGHT_INDEXES.find((name) => names.has(name));
  if (index === undefined) return sharded ? [] : "model.safetensors is missing";
  const document = parseLenient(await readWholeText(path.join(folder, index)).catch(() => ""));
  if (typeof document !== "object" || document === null || !("weight_map" in document)) return `${index} does not parse`;
  const map: unknown = document.weight_map;
  if (typeof map !== "object" || map === null) return `${index} names no shards`;
  const shards = [...new Set(Object.values(map).map(String))];
  const outside = shards.find((name) => path.basename(name) !== name);
  if (outside !== undefined) return `${index} names a shard outside of the checkpoint: ${outside}`;
  const absent = shards.find((name) => !names.has(name));
  return absent === undefined ? shards : `${absent} is missing (named in ${index})`;
}

function hasShardedWeights(names: ReadonlySet<string>): boolean {
  return [...names].some((name) => /^(pytorch_model_fsdp_\d+|global_step\d+)\//.test(name));
}

async function firstProblem(folder: string, names: readonly string[]): Promise<string | null> {
  for (const name of names) {
    const file = path.join(folder, name);
    const tensors = /\.(safetensors|pt|pth|ckpt)$/.test(name);
    const problem = tensors ? await checkFile(file) : name.endsWith(".bin") ? await checkTorchLike(file) : null;
    if (problem !== null) return `${name} ${problem}`;
  }
  return null;
}

/** A .bin may be anything; only one that began as a torch file has to end as one. */
async function checkTorchLike(file: string): Promise<string | null> {
  const problem = await checkTorchFile(file);
  return problem === "is neither a torch file nor a pickle" ? null : problem;
}

async function badJson(folder: string, names: ReadonlySet<string>): Promise<string | null> {
  for (const name of ["config.json", "adapter_config.json", "generation_config.json"]) {
    if (!names.has(name)) continue;
    if (parseLenient(await readWholeText(path.join(folder, name)).catch(() => "")) === undefined) return `${name} does not parse`;
  }
  return null;
}

interface TrainerState {
  readonly step: number | null;
  readonly metrics: Record<string, WireNumber>;
  readonly problem: string | null;
}

/** Step and evaluation of trainer_state.json. */
async function trainerState(folder: string, names: ReadonlySet<string>): Promise<TrainerState> {
  if (!names.has("trainer_state.json")) return { step: null, metrics: {}, problem: "trainer_state.json is missing" };
  const state = parseLenient(await readWholeText(path.join(folder, "trainer_state.json")).catch(() => ""));
  if (typeof state !== "object" || state === null || !("global_step" in state) || typeof state.global_step !== "number")
    return { step: null, metrics: {}, problem: "trainer_state.json does not parse" };
  const step = Number.isSafeInteger(state.global_step) && state.global_step >= 0 ? state.global_step : null;
  const history: unknown = "log_history" in state ? state.log_history : [];
  return { step, metrics: step === null ? {} : evaluationAt(step, Array.isArray(history) ? (history as unknown[]) : []), problem: null };
}

function evaluationAt(step: number, history: readonly unknown[]): Record<string, WireNumber> {
  const metrics: Record<string, WireNumber> = {};
  for (const entry of history) {
    if (typeof entry !== "object" || entry === null || !("step" in entry) || entry.step !== step) continue;
    for (const [name, value] of Object.entries(entry)) {
      if (!name.startsWith("eval_") || /_(runtime|per_second)$/.test(name)) continue;
      if (typeof value === "number") metrics[name] = toWireNumber(value);
      else if (value === "NaN" || value === "Infinity" || value === "-Infinity") metrics[name] = value;
    }
  }
  return metrics;
}
