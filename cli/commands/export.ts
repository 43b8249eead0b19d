import { writeFile } from "node:fs/promises";
import { InvalidArgumentError, type Command } from "commander";
import { ExportFormat } from "../../protocol/export.ts";
import { connectServer } from "../connect.ts";
import { formatBytes } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { findRun, serverReader } from "../reader.ts";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface ExportOptions extends CommonOptions {
  readonly format: ExportFormat;
  readonly metrics: string;
  readonly output?: string;
}

/** Ten million points take a while. */
const EXPORT_TIMEOUT_MS = 600_000;

export function addExportCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("export").description("write every point of runs to stdout or a file"))
    .argument("<runs...>", RUN_ARGUMENT)
    .option(
      "--format <format>",
      "long (CSV, one point per line), wide (CSV, one column per metric), jsonl (with all that is known of the run)",
      parseFormat,
      "long",
    )
    .option("--metrics <names>", "of these metrics, comma-separated; a name may end in *", "*")
    .option("-o, --output <file>", "write to this file")
    .action(async (names: string[], options: ExportOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const reader = serverReader(client);
      const ids = [];
      for (const name of names) ids.push(await findRun(reader, name));
      const { format, metrics, output } = options;
      const bytes = await client.bytes("exportRuns", { query: { runs: ids.join(","), format, metrics }, timeoutMs: EXPORT_TIMEOUT_MS });
      if (output === undefined) {
        context.terminal.passThrough(bytes);
        return;
      }
      await writeFile(output, bytes);
      context.terminal.result(options.json, { output, bytes: bytes.length, runs: ids }, () => `${output}: ${formatBytes(bytes.length)}`);
    });
}

function parseFormat(text: string): ExportFormat {
  const format = ExportFormat.safeParse(text);
  if (!format.success) throw new InvalidArgumentError(`one of ${ExportFormat.options.join(", ")} is needed`);
  return format.data;
}
