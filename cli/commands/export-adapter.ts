import path from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import type { ExportedAdapter } from "../../protocol/adapter-export.ts";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { connectServer } from "../connect.ts";
import { formatBytes } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { findRun, serverReader } from "../reader.ts";
import { withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface ExportAdapterOptions extends CommonOptions {
  readonly to: string;
  readonly step?: number;
  readonly checkpoint?: string;
}

/** Adapters may be gigabytes on a slow disk. */
const COPY_TIMEOUT_MS = 3_600_000;

export function addExportAdapterCommand(program: Command, context: CommandContext): void {
  withCommonOptions(
    program.command("export-adapter").description("copy a trained adapter into a folder that PEFT loads, with a draft of its model card"),
  )
    .argument("<run>", RUN_ARGUMENT)
    .requiredOption("--to <folder>", "an empty folder, or one that is not there yet")
    .option("--step <step>", "of the checkpoint at this step", parseStep)
    .option("--checkpoint <name>", "of the checkpoint of this name or id")
    .addHelpText(
      "after",
      "\nWithout a step or name: the final model of a completed run, else the newest complete checkpoint with an adapter.",
    )
    .action(async (run: string, options: ExportAdapterOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const { step, checkpoint } = options;
      const exported = await client.call("exportAdapter", {
        params: { id: await findRun(serverReader(client), run) },
        body: {
          to: path.resolve(options.to),
          ...(step === undefined ? {} : { step }),
          ...(checkpoint === undefined ? {} : { checkpoint }),
        },
        timeoutMs: COPY_TIMEOUT_MS,
      });
      context.terminal.result(options.json, exported, () => describe(exported));
    });
}

function describe({ checkpoint, folder, files, size_bytes: bytes }: ExportedAdapter): string {
  return `${checkpoint ?? "the final model"} → ${folder} (${formatBytes(bytes)}): ${files.join(", ")}`;
}

function parseStep(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("a whole number from 0 on is needed");
  return Number(text);
}
