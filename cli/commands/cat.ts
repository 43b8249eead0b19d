import { createReadStream } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { counted } from "../../protocol/counted.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { ArtifactPreview } from "../../protocol/export.ts";
import type { RunId } from "../../protocol/ids.ts";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { guardedParquet } from "../../server/preview/guarded.ts";
import { isAbsent } from "../../server/store/fs-errors.ts";
import { previewFile } from "../../server/store/preview.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunStore } from "../../server/store/types.ts";
import { openReader } from "../connect.ts";
import { formatBytes, formatTable } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { findRun } from "../reader.ts";
import { countFrom, withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface CatOptions extends CommonOptions {
  readonly preview: boolean;
  readonly rows: number;
}

/** Of the run folder itself; everything else is an artifact or lies in a checkpoint. */
const DOCUMENTS = ["run.json", "spec.yaml", "resolved.json", "events.jsonl", "checkpoint-tags.jsonl", "git.patch"] as const;

export function addCatCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("cat").description("print a file of a run, or list them; needs no server"))
    .argument("<run>", RUN_ARGUMENT)
    .argument("[file]", `an artifact as the list shows it, a file of a checkpoint (checkpoints/…), or ${DOCUMENTS.join(", ")}`)
    .option("--preview", "what can be shown of it: rows of a table, tensors, shapes; --json prints it as one value", false)
    .option("--rows <count>", "most lines or rows of a preview", countFrom(1), 40)
    .action(async (run: string, file: string | undefined, options: CatOptions) => {
      const { dir } = locateStore(options.store);
      const reader = await openReader(dir);
      const store = await openStore(dir, { create: false });
      try {
        const id = await findRun(reader, run);
        if (file === undefined) {
          const artifacts = await store.artifacts(id);
          context.terminal.result(options.json, artifacts, () =>
            artifacts.length === 0
              ? "No artifacts."
              : formatTable(
                  ["PATH", "KIND", "SIZE", "MODIFIED"],
                  artifacts.map((one) => [one.path, one.is_directory ? "folder" : one.kind, formatBytes(one.size_bytes), one.modified_at]),
                ),
          );
          return;
        }
        const place = await placeOf(store, id, file);
        if (!options.preview && !options.json) await print(context, place, file);
        else {
          const { rows } = options;
          const preview = await previewFile(place, { rows, parquet: () => guardedParquet({ file: place, rows, offset: 0 }) });
          context.terminal.result(options.json, preview, () => describe(preview));
        }
      } finally {
        store.close();
        await reader.close();
      }
    });
}

/** @throws TrainyardError not_found | forbidden */
async function placeOf(store: RunStore, id: RunId, file: string): Promise<string> {
  const document = DOCUMENTS.find((name) => name === file);
  return document === undefined ? store.resolveArtifact(id, file) : path.join(store.paths(id).dir, document);
}

async function print({ terminal }: CommandContext, place: string, name: string): Promise<void> {
  try {
    for await (const bytes of createReadStream(place)) terminal.passThrough(bytes as Buffer);
  } catch (error) {
    if (isAbsent(error))
      throw new TrainyardError("not_found", `the run has no ${name}`, "Without a file, the files of the run are listed.");
    throw error;
  }
}

function describe(preview: ArtifactPreview): string {
  const more = preview.truncated ? "\n…" : "";
  switch (preview.kind) {
    case "text":
      return `${preview.text.replace(/\n$/, "")}${more}`;
    case "json":
      return JSON.stringify(preview.value, null, 2);
    case "table":
      return `${formatTable(preview.columns, preview.rows)}${more}`;
    case "parquet": {
      const columns = preview.columns.map(({ name, type }) => `${name} (${type})`);
      const rows = preview.rows.map((row) => row.map((cell) => cell ?? ""));
      return `${counted(preview.row_count, "row")}\n${formatTable(columns, rows)}${preview.problem === null ? more : `\n${preview.problem}`}`;
    }
    case "safetensors": {
      const tensors = preview.tensors.map((one) => [one.name, one.dtype, one.shape.join(" × "), formatBytes(one.size_bytes)]);
      const sum = `${preview.tensor_count.toLocaleString("en")} tensors, ${preview.parameter_count.toLocaleString("en")} parameters`;
      return `${sum}\n${formatTable(["TENSOR", "TYPE", "SHAPE", "SIZE"], tensors)}${more}`;
    }
    case "numpy":
      return `array of ${preview.dtype}, ${preview.shape.join(" × ")}, ${formatBytes(preview.size_bytes)}`;
    case "media":
      return `${preview.media_type}, ${formatBytes(preview.size_bytes)}`;
    case "binary":
      return `${formatBytes(preview.size_bytes)}${preview.problem === null ? "" : `, ${preview.problem}`}\n${preview.head}`;
  }
}
