import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { ExportFormat } from "../../protocol/export.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import { makeFolder } from "../../server/store/atomic.ts";
import { writeError } from "../../server/store/fs-errors.ts";
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
const EXPORT_TIMEOUT_MS = 3_600_000;

const FORMAT_HELP = [
  "long (CSV, one point per line), wide (CSV, one column per metric), jsonl (with all that is known of the run),",
  "parquet, arrow (the same with provenance inside), tensorboard (an event file per run), html (a report or comparison), archive (a zip of the run folders, to be imported elsewhere)",
].join(" ");

export function addExportCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("export").description("write runs for other programs or readers, to stdout or a file"))
    .argument("<runs...>", RUN_ARGUMENT)
    .option("--format <format>", FORMAT_HELP, parseFormat, "long")
    .option("--metrics <names>", "of these metrics, comma-separated (a comma within a name: \\,); a name may end in *", "*")
    .option("-o, --output <file>", "write to this file; for tensorboard a folder, in which each run gets its own")
    .action(async (names: string[], options: ExportOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const reader = serverReader(client);
      const ids: RunId[] = [];
      for (const name of names) ids.push(await findRun(reader, name));
      const { format, output } = options;
      const answer = (runs: readonly RunId[]): Promise<AsyncIterable<Uint8Array>> =>
        client.pieces("exportRuns", { query: { runs: runs.join(","), format, metrics: options.metrics }, timeoutMs: EXPORT_TIMEOUT_MS });
      if (output === undefined) {
        for await (const bytes of await answer(ids)) context.terminal.passThrough(bytes);
        return;
      }
      const targets =
        format === "tensorboard"
          ? [...new Set(ids)].map((id) => ({ runs: [id], file: path.join(output, id, `events.out.tfevents.0.${id}`) }))
          : [{ runs: ids, file: output }];
      let bytes = 0;
      for (const { runs, file } of targets) {
        const before = bytes;
        bytes += await writeWhole(file, await answer(runs), (written) => {
          context.terminal.showStatus(`${file}: ${formatBytes(before + written)}`);
        });
      }
      const result = { output, bytes, runs: ids, files: targets.map(({ file }) => file) };
      context.terminal.result(options.json, result, () => `${output}: ${formatBytes(bytes)}`);
    });
}

/** Writes beside the file and takes its place at the end: an export that is cut off leaves no half file behind. @returns bytes */
async function writeWhole(file: string, pieces: AsyncIterable<Uint8Array>, onBytes: (written: number) => void): Promise<number> {
  const folder = path.dirname(file);
  await makeFolder(folder);
  const unfinished = path.join(folder, `.${path.basename(file)}.${String(process.pid)}.part`);
  try {
    const handle = await open(unfinished, "w");
    let written = 0;
    try {
      for await (const bytes of pieces) {
        await handle.writeFile(bytes);
        onBytes((written += bytes.length));
      }
    } finally {
      await handle.close();
    }
    await rename(unfinished, file);
    return written;
  } catch (error) {
    await rm(unfinished, { force: true });
    if (error instanceof TrainyardError) throw error;
    throw writeError(error, `write ${file}`, file);
  }
}

function parseFormat(text: string): ExportFormat {
  const format = ExportFormat.safeParse(text);
  if (!format.success) throw new InvalidArgumentError(`one of ${ExportFormat.options.join(", ")} is needed`);
  return format.data;
}
