/** Copies a trained PEFT adapter out of a run into a folder that loads by itself, with a draft of its model card. */
import { constants } from "node:fs";
import { copyFile, readdir, realpath, rm, rmdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { ExportAdapter, ExportedAdapter } from "../../protocol/adapter-export.ts";
import type { Checkpoint } from "../../protocol/artifact.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { ExportedRun } from "../../protocol/export.ts";
import { relativeInside } from "../store/artifacts.ts";
import { makeFolders } from "../store/atomic.ts";
import { checkFile, parseLenient } from "../store/file-checks.ts";
import { isAbsent, isUnwritable, systemCode, writeError } from "../store/fs-errors.ts";
import { readWholeText } from "../store/open-file.ts";
import type { RunStore } from "../store/types.ts";
import { modelCard } from "./model-card.ts";

const CONFIG = "adapter_config.json";
const WEIGHTS = "adapter_model.safetensors";
/** What tokenizers leave beside a model, over all their kinds. */
const TOKENIZER_FILES: readonly string[] = [
  "tokenizer.json",
  "tokenizer_config.json",
  "tokenizer.model",
  "special_tokens_map.json",
  "added_tokens.json",
  "chat_template.jinja",
  "chat_template.json",
  "merges.txt",
  "sentencepiece.bpe.model",
  "spiece.model",
  "vocab.json",
  "vocab.txt",
];
const CARD = "README.md";
/** A config lists module names at most. */
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

export interface AdapterJob {
  /** The run's. */
  readonly store: RunStore;
  /** Roots of stores: nothing may be put into one of them. */
  readonly storeRoots: readonly string[];
  readonly run: ExportedRun;
  /** The checkpoint that the request names, where it names one. */
  readonly checkpoint: Checkpoint | null;
  readonly request: ExportAdapter;
  /** Of this Trainyard. */
  readonly version: string;
}

interface Source {
  readonly folder: string;
  readonly checkpoint: Checkpoint | null;
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * @throws TrainyardError not_found (no checkpoint of that step) | bad_checkpoint (torn, or without an adapter) | bad_request (the folder) |
 *   conflict (the folder holds something) | disk_full
 */
export async function exportAdapter(job: AdapterJob): Promise<ExportedAdapter> {
  const source = await chooseSource(job);
  const folder = await targetFolder(job.storeRoots, job.request.to);
  const resolved = await job.store.resolved(job.run.id);
  const card = modelCard({
    run: job.run,
    sources: resolved?.sources ?? {},
    config: source.config,
    checkpoint: source.checkpoint,
    version: job.version,
    exportedAt: new Date().toISOString(),
  });
  const present = new Set(await readdir(source.folder));
  // The config is what makes it an adapter to its readers: it goes last, so that an export cut short is none.
  const names = [WEIGHTS, ...TOKENIZER_FILES.filter((name) => present.has(name)), CARD, CONFIG];
  const sizes = await fillFolder(folder, source.folder, names, card);
  return {
    run: job.run.id,
    source: source.folder,
    checkpoint: source.checkpoint?.name ?? null,
    step: source.checkpoint?.step ?? null,
    folder,
    files: names,
    size_bytes: sizes,
  };
}

async function chooseSource({ store, run, checkpoint, request }: AdapterJob): Promise<Source> {
  const all = await store.checkpoints(run.id);
  const named = checkpoint ?? atStep(all, request.step, run.id);
  if (named !== null) return sourceOf(named);
  if (run.state === "completed")
    for (const artifact of await store.artifacts(run.id)) {
      if (artifact.kind !== "model" || !artifact.is_directory) continue;
      const folder = path.resolve(store.paths(run.id).artifacts, artifact.path);
      const config = await adapterConfig(folder);
      if (typeof config !== "string") return { folder, checkpoint: null, config };
    }
  const problems: string[] = [];
  for (const one of all) {
    const config = one.status === "complete" ? await adapterConfig(one.path) : statusProblem(one);
    if (typeof config !== "string") return { folder: one.path, checkpoint: one, config };
    problems.push(`${one.name} ${config}`);
  }
  throw new TrainyardError(
    "bad_checkpoint",
    `the run ${run.id} has no adapter to export${problems.length === 0 ? "" : `: ${problems.slice(0, 3).join("; ")}`}`,
    problems.length === 0
      ? "It has saved no checkpoint yet."
      : "Adapters come from LoRA and other PEFT trainings that save as safetensors. A model trained as a whole is used from its own folder.",
  );
}

/** The newest complete one of the step, else the newest: it says what is wrong with it. */
function atStep(all: readonly Checkpoint[], step: number | undefined, run: string): Checkpoint | null {
  if (step === undefined) return null;
  const fitting = all.filter((one) => one.step === step);
  const found = fitting.find((one) => one.status === "complete") ?? fitting[0];
  if (found !== undefined) return found;
  const steps = [...new Set(all.map((one) => one.step))].slice(0, 10);
  throw new TrainyardError(
    "not_found",
    `the run ${run} has no checkpoint of step ${String(step)}`,
    steps.length === 0 ? "It has none yet." : `It has those of steps ${steps.join(", ")}.`,
  );
}

async function sourceOf(checkpoint: Checkpoint): Promise<Source> {
  if (checkpoint.status !== "complete")
    throw new TrainyardError(
      "bad_checkpoint",
      `the checkpoint ${checkpoint.name} ${statusProblem(checkpoint)}`,
      checkpoint.status === "writing" ? "Wait a moment, or choose an earlier one." : "Choose a complete one.",
    );
  const config = await adapterConfig(checkpoint.path);
  if (typeof config !== "string") return { folder: checkpoint.path, checkpoint, config };
  throw new TrainyardError(
    "bad_checkpoint",
    `the checkpoint ${checkpoint.name} ${config}`,
    "Choose one of a LoRA or other PEFT training. A model trained as a whole is used from its own folder.",
  );
}

function statusProblem({ status, problem }: Checkpoint): string {
  if (status === "writing") return "is still being written";
  return `is ${status}${problem === null ? "" : `: ${problem}`}`;
}

/** The adapter's config, or what keeps the folder from being an adapter that PEFT loads, as the end of a sentence. */
async function adapterConfig(folder: string): Promise<Record<string, unknown> | string> {
  const names = new Set(await readdir(folder).catch(() => []));
  if (!names.has(WEIGHTS))
    return names.has("adapter_model.bin")
      ? "holds its adapter as a pickle (adapter_model.bin), not as safetensors"
      : `holds no adapter (no ${WEIGHTS})`;
  if (!names.has(CONFIG)) return `holds an adapter without its ${CONFIG}`;
  const problem = await checkFile(path.join(folder, WEIGHTS));
  if (problem !== null) return `holds a ${WEIGHTS} that ${problem}`;
  const file = path.join(folder, CONFIG);
  const size = await stat(file).then(
    (info) => info.size,
    () => Infinity,
  );
  const config = size > MAX_CONFIG_BYTES ? null : parseLenient(await readWholeText(file).catch(() => ""));
  if (typeof config !== "object" || config === null || !("peft_type" in config)) return `holds an ${CONFIG} that PEFT did not write`;
  return { ...config };
}

/** @throws TrainyardError bad_request | conflict */
async function targetFolder(storeRoots: readonly string[], to: string): Promise<string> {
  if (!path.isAbsolute(to) || to.includes("\0"))
    throw new TrainyardError("bad_request", `${to} is no absolute path`, "Give the whole path.");
  const folder = await followed(path.normalize(to));
  if (storeRoots.some((root) => relativeInside(root, folder) !== null))
    throw new TrainyardError("bad_request", `${folder} lies in a store, whose files are those of its runs`, "Choose a folder elsewhere.");
  const content = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    if (systemCode(error) === "ENOTDIR")
      throw new TrainyardError("conflict", `${folder} is no folder, or lies below a file`, "Name a folder that is empty or not there yet.");
    throw unusable(error, folder);
  });
  if (content.length > 0)
    throw new TrainyardError(
      "conflict",
      `the folder ${folder} is not empty: it holds ${content.slice(0, 3).join(", ")}${content.length > 3 ? " …" : ""}`,
      "Name a folder that is empty or not there yet: nothing is overwritten.",
    );
  return folder;
}

/** Links on the way are followed as far as the way exists. */
async function followed(place: string): Promise<string> {
  try {
    return await realpath(place);
  } catch (error) {
    const above = path.dirname(place);
    if (!isAbsent(error) || above === place) return place;
    return path.join(await followed(above), path.basename(place));
  }
}

/** All of it, or nothing is left behind. @returns bytes written */
async function fillFolder(folder: string, from: string, names: readonly string[], card: string): Promise<number> {
  const written: string[] = [];
  let current: string | undefined;
  const made = await makeFolders(folder).catch((error: unknown) => {
    throw unusable(error, folder);
  });
  try {
    let bytes = 0;
    for (const name of names) {
      const target = path.join(folder, name);
      current = target;
      // Exclusively: what somebody else put there meanwhile is theirs.
      if (name === CARD) await writeFile(target, card, { flag: "wx" });
      else await copyFile(path.join(from, name), target, constants.COPYFILE_EXCL);
      written.push(target);
      current = undefined;
      bytes += (await stat(target)).size;
    }
    // The checkpoint may have been pruned or written anew while it was copied.
    const problem = await checkFile(path.join(folder, WEIGHTS));
    if (problem !== null)
      throw new TrainyardError("bad_checkpoint", `the copied ${WEIGHTS} ${problem}: ${from} changed meanwhile`, "Export it again.");
    return bytes;
  } catch (error) {
    if (current !== undefined && systemCode(error) !== "EEXIST") written.push(current);
    for (const file of written) await rm(file, { force: true });
    if (made !== null) await removeEmpty(folder, made);
    if (isAbsent(error)) throw new TrainyardError("bad_checkpoint", `${from} went away while it was copied`, "Choose another checkpoint.");
    if (systemCode(error) === "EEXIST")
      throw new TrainyardError("conflict", `somebody else writes into ${folder}`, "Name a folder that is empty or not there yet.");
    throw unusable(error, folder);
  }
}

/** Takes back the folders that were made, from the lowest up. */
async function removeEmpty(folder: string, highest: string): Promise<void> {
  for (let each = folder; relativeInside(highest, each) !== null; each = path.dirname(each))
    if (
      !(await rmdir(each).then(
        () => true,
        () => false,
      ))
    )
      return;
}

function unusable(error: unknown, folder: string): TrainyardError {
  if (isUnwritable(error))
    return new TrainyardError(
      "bad_request",
      `the folder ${folder} cannot be written: permission denied`,
      "Choose one that you may write.",
      [],
      {
        cause: error,
      },
    );
  const code = systemCode(error);
  if (code === "ENAMETOOLONG" || code === "EINVAL" || code === "ELOOP" || code === "ENOENT")
    return new TrainyardError("bad_request", `${folder} is no usable path (${code})`, "Choose another folder.", [], { cause: error });
  return writeError(error, `write to ${folder}`, folder);
}
