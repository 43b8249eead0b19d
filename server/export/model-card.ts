/** The draft of a model card: what the run itself says, and nothing else. Pure. */
import { stringify } from "yaml";
import type { Checkpoint } from "../../protocol/artifact.ts";
import type { ExportedRun } from "../../protocol/export.ts";
import type { JsonValue, WireNumber } from "../../protocol/json.ts";
import type { ValueSource } from "../../protocol/spec.ts";

export interface CardFacts {
  readonly run: ExportedRun;
  /** Where the params come from, as far as resolved.json says. */
  readonly sources: Readonly<Record<string, ValueSource>>;
  /** adapter_config.json */
  readonly config: Readonly<Record<string, unknown>>;
  /** Null of a final model. */
  readonly checkpoint: Checkpoint | null;
  /** Of the Trainyard that writes the card. */
  readonly version: string;
  readonly exportedAt: string;
}

/** Params that name what a run learned from, in recipes and in the usual scripts. */
const DATA_PARAMS = ["train_file", "dataset", "dataset_name", "data_file"];
const ADAPTER_SETTINGS = [
  "peft_type",
  "task_type",
  "r",
  "lora_alpha",
  "lora_dropout",
  "use_rslora",
  "bias",
  "target_modules",
  "modules_to_save",
];
const LIBRARIES = ["torch", "transformers", "peft", "trl"];
/** Names of what must not be published; the same words as in the Python SDK, which keeps such values out of a run's files. */
const SECRET =
  /^token$|(^|[_\-.])((hub|hf|api|auth|access|bearer|secret|session|wandb)[_-]?token|passw(or)?d|secret|(api|access|private|secret)[_-]?key|credentials?)$/i;
/** A param longer than this is a document, not a setting. */
const MAX_VALUE = 300;

/** Markdown with YAML front matter as the Hugging Face hub reads it. What is not known is left out. */
export function modelCard(facts: CardFacts): string {
  const { run, config, checkpoint } = facts;
  const base = textOf(config["base_model_name_or_path"]) ?? textOf(run.params["model"]);
  const datasets = datasetsOf(run.params);
  const measured = Object.keys(run.metrics).filter((name) => /^(eval|val|validation|test)[/_.]/.test(name));
  const front = {
    ...(base !== null && { base_model: base }),
    library_name: "peft",
    ...(datasets.length > 0 && { datasets }),
    ...(measured.length > 0 && { metrics: measured }),
  };
  const what = checkpoint === null ? "The adapter that the run ended with" : `The adapter at step ${String(checkpoint.step)} of the run`;
  const parts = [
    `---\n${stringify(front)}---`,
    `# ${prose(run.name)}`,
    `${what}${base === null ? "" : `, for the base model ${code(base)}`}. A draft from the run's records: complete it before you publish it.`,
    run.description === "" ? "" : prose(run.description),
    section("Adapter", ["setting", "value"], rowsOf(ADAPTER_SETTINGS.map((name) => [name, config[name]]))),
    section("Training settings", ["param", "value"], rowsOf(chosenParams(facts))),
    checkpoint === null
      ? ""
      : section(
          "Metrics at this step",
          ["metric", "value"],
          Object.entries(checkpoint.metrics).map(([name, value]) => [code(name), String(value)]),
        ),
    section(
      "Metrics of the whole run",
      ["metric", "last", "lowest", "highest"],
      Object.entries(run.metrics)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, m]) => [code(name), at(m.last, m.last_step), at(m.min, m.min_step), at(m.max, m.max_step)]),
    ),
    section("Provenance", ["", ""], rowsOf(provenance(facts))),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** Those that somebody or something chose; a recipe's defaults are the recipe's. */
function chosenParams({ run, sources }: CardFacts): [string, unknown][] {
  return Object.entries(run.params).filter(([name]) => sources[name] !== "recipe default" && !SECRET.test(name));
}

function provenance({ run, checkpoint, version, exportedAt }: CardFacts): [string, unknown][] {
  const packages = run.environment?.packages ?? {};
  const changed = run.git?.dirty_files ?? 0;
  return [
    ["run", run.id],
    ["project", run.project],
    ["recipe", run.recipe],
    ["seed", run.seed],
    ["checkpoint", checkpoint?.name],
    ["started", run.started_at],
    ["ended", run.ended_at],
    ["git commit", run.git?.commit],
    ["files changed since the commit", changed === 0 ? null : changed],
    ["python", run.environment?.python_version],
    ...LIBRARIES.map((name): [string, unknown] => [name, packages[name]]),
    ["exported", exportedAt],
    ["trainyard", version],
  ];
}

function datasetsOf(params: Readonly<Record<string, JsonValue>>): string[] {
  const named = DATA_PARAMS.flatMap((name) => {
    const value = params[name];
    return Array.isArray(value) ? value : [value];
  });
  return [...new Set(named.map(textOf).filter((text) => text !== null))];
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function rowsOf(entries: readonly (readonly [string, unknown])[]): string[][] {
  return entries
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => [code(name), code(typeof value === "string" ? value : JSON.stringify(value, withoutSecrets))]);
}

function withoutSecrets(name: string, value: unknown): unknown {
  return SECRET.test(name) ? undefined : value;
}

function section(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return `## ${title}\n\n${lines.join("\n")}`;
}

function at(value: WireNumber, step: number): string {
  return `${String(value)} (step ${String(step)})`;
}

/** As code in a table's cell: on one line, its bars escaped, in more backticks than it holds. */
function code(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  const short = line.length > MAX_VALUE ? `${line.slice(0, MAX_VALUE)} …` : line;
  const longest = Math.max(0, ...[...short.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  const pad = longest > 0 ? " " : "";
  return `${fence}${pad}${short.replaceAll("|", "\\|")}${pad}${fence}`;
}

/** As prose on one line: nothing in it is taken for markup. */
function prose(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .trim()
    .replace(/[\\`*_[\]<>#|~]/g, "\\$&");
}
