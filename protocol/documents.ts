/** What can be asked of a run document before it is started: the form of its script, its dataset, a probe. */
import * as z from "zod";
import { Problem } from "./errors.ts";
import { Probe } from "./estimate.ts";
import { JsonObject } from "./json.ts";
import { CreateRun } from "./queries.ts";
import { Recipe } from "./recipe.ts";

/** A document that may still be incomplete. */
export const DocumentRequest = CreateRun.pick({ spec: true, base_dir: true });
export type DocumentRequest = z.infer<typeof DocumentRequest>;

/** How an option of a script is written on its command line. */
export const ScriptOption = z.object({
  style: z.enum(["value", "joined", "values", "repeated", "flag", "unflag", "switch", "count", "positional", "command", "assign"]),
  flag: z.string().nullable(),
  negative: z.string().nullable(),
  /** Subcommands that know it; empty for all. */
  commands: z.array(z.string()),
});
export type ScriptOption = z.infer<typeof ScriptOption>;

/** Options of which the script takes one at most. */
export const ExclusiveOptions = z.object({
  names: z.array(z.string()),
  /** Must one of them be given? */
  required: z.boolean(),
  /** Subcommands that know them; empty for all. */
  commands: z.array(z.string()),
});
export type ExclusiveOptions = z.infer<typeof ExclusiveOptions>;

/**
 * The form of the script that a document names. `recipe` is the recipe `script` with the script's own sections and fields: their values stand in
 * `params` under the same names.
 */
export const ScriptForm = z.object({
  /** Absolute path. */
  script: z.string(),
  kind: z.enum(["argparse", "click", "dataclass", "hydra", "lightning", "key_value", "none"]),
  /** `help`: the script was run with `--help`, as the document asked for with `params.script_form`. */
  read_from: z.enum(["source", "help"]),
  recipe: Recipe,
  options: z.record(z.string(), ScriptOption),
  exclusive: z.array(ExclusiveOptions),
  /** The option that the document's `seed` is passed to; null where the script has none. */
  seed_option: z.string().nullable(),
  /** What the form leaves out, and why. */
  notes: z.array(z.string()),
  /** The words that the document's values become; values that equal their default are left out. */
  arguments: z.array(z.string()),
});
export type ScriptForm = z.infer<typeof ScriptForm>;

export const DatasetShape = z.enum(["text", "prompt_completion", "messages", "sharegpt", "alpaca", "preference", "prompt_only"]);
export type DatasetShape = z.infer<typeof DatasetShape>;

export const DatasetRequest = DocumentRequest.extend({
  /** Which of the document's files. */
  split: z.enum(["train", "eval"]).default("train"),
  /** Another file instead, relative to the base folder. */
  file: z.string().min(1).optional(),
  rows: z.number().int().min(1).max(200).default(20),
});
export type DatasetRequest = z.infer<typeof DatasetRequest>;

export const DatasetRow = z.object({
  /** 1-based; null for a row found by jumping into a large file. */
  number: z.number().int().positive().nullable(),
  /** 1-based line of the file where the row begins, as an editor shows it; null where the format has no lines or they were not counted. */
  line: z.number().int().positive().nullable(),
  /** The row as it stands in the file, long texts cut. null when it cannot be read. */
  value: JsonObject.nullable(),
  /** Was a text cut? */
  cut: z.boolean(),
  /** What is wrong with it, as a sentence; null when it is fine. */
  problem: z.string().nullable(),
});
export type DatasetRow = z.infer<typeof DatasetRow>;

/** A look at the head of a file and at places further in: never all of a large one. */
export const DatasetPreview = z.object({
  /** Absolute. */
  path: z.string(),
  format: z.enum(["jsonl", "json", "csv", "tsv", "parquet", "text"]).nullable(),
  size_bytes: z.number().int().nonnegative(),
  /** null when not even a guess is possible. */
  row_count: z.object({ value: z.number().int().nonnegative(), exact: z.boolean() }).nullable(),
  shape: DatasetShape.nullable(),
  /** Can the document's recipe learn from this shape? null when it does not read such rows at all, or nothing is known. */
  usable: z.boolean().nullable(),
  columns: z.array(
    z.object({
      name: z.string(),
      /** JSON type names seen, the most frequent first. */
      types: z.array(z.string()),
      /** Rows looked at that lack it or hold null. */
      missing: z.number().int().nonnegative(),
      mean_characters: z.number().nonnegative().nullable(),
    }),
  ),
  /** From the head of the file, in order. */
  head: z.array(DatasetRow),
  /** From places further in, in order; empty when all rows are in `head` or the format cannot be entered in the middle. */
  sampled: z.array(DatasetRow),
  /** Rows that were looked at for mistakes. */
  checked_rows: z.number().int().nonnegative(),
  problems: z.array(Problem),
});
export type DatasetPreview = z.infer<typeof DatasetPreview>;

export const RenderRequest = DatasetRequest.extend({
  rows: z.number().int().min(1).max(50).default(5),
  /** Rows whose length is measured. */
  sample: z.number().int().min(1).max(5000).default(500),
});
export type RenderRequest = z.infer<typeof RenderRequest>;

/** Rows as the training will see them, made by the training's own code with the tokenizer of the document. */
export const RenderedDataset = z.object({
  /** Name or folder of the tokenizer; `new` for one that is trained from the rows. */
  tokenizer: z.string(),
  /** Where the chat template comes from; null for rows that need none. */
  template: z.enum(["tokenizer", "plain"]).nullable(),
  max_length: z.number().int().positive(),
  rows: z.array(
    z.object({
      number: z.number().int().positive(),
      tokens: z.number().int().nonnegative(),
      trained_tokens: z.number().int().nonnegative(),
      /** Tokens beyond `max_length`, which are not learned. */
      cut_tokens: z.number().int().nonnegative(),
      /** Neighbouring tokens of one kind, in order. `rejected`: the answer that a preference loss moves away from. */
      segments: z.array(
        z.object({ text: z.string(), kind: z.enum(["trained", "rejected", "masked", "cut"]), tokens: z.number().int().positive() }),
      ),
      problem: z.string().nullable(),
    }),
  ),
  /** Lengths of whole rows in tokens, before cutting. */
  lengths: z.object({
    rows: z.number().int().nonnegative(),
    mean: z.number().nonnegative(),
    p50: z.number().nonnegative(),
    p95: z.number().nonnegative(),
    max: z.number().nonnegative(),
    /** Rows longer than `max_length`. */
    over: z.number().int().nonnegative(),
    /** `from` inclusive, `to` exclusive. */
    bins: z.array(z.object({ from: z.number().int(), to: z.number().int(), rows: z.number().int() })),
  }),
  problems: z.array(Problem),
});
export type RenderedDataset = z.infer<typeof RenderedDataset>;

export const ProbeRequest = DocumentRequest.extend({
  /** After this long the probe is killed, with everything it started. */
  timeout_seconds: z.number().min(5).max(1800).default(300),
});
export type ProbeRequest = z.infer<typeof ProbeRequest>;

/** `probe` is null when the two steps did not work; the problems then say why (out of memory, a bad row). */
export const ProbeAnswer = z.object({ probe: Probe.nullable(), problems: z.array(Problem) });
export type ProbeAnswer = z.infer<typeof ProbeAnswer>;
