import path from "node:path";
import type { Command } from "commander";
import { counted } from "../../protocol/counted.ts";
import type { ImportReport } from "../../protocol/import.ts";
import { connectServer } from "../connect.ts";
import { locateStore } from "../locate-store.ts";
import { withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface ImportOptions extends CommonOptions {
  readonly project?: string;
}

const IMPORT_TIMEOUT_MS = 3_600_000;

export function addImportCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("import").description("make runs from files that `trainyard export` wrote"))
    .argument("<files...>", "CSV (long or wide), JSON lines, Parquet, Arrow, or an archive of run folders")
    .option("--project <name>", "put the runs into this project (default: the one that the file names)")
    .action(async (files: string[], options: ImportOptions) => {
      const client = await connectServer(locateStore(options.store).dir, { create: true });
      const reports: (ImportReport & { file: string })[] = [];
      for (const [i, file] of files.entries()) {
        context.terminal.showStatus(`importing ${file} (${i + 1} of ${files.length})`);
        const body = { path: path.resolve(file), ...(options.project !== undefined && { project: options.project }) };
        reports.push({ file, ...(await client.call("importRuns", { body, timeoutMs: IMPORT_TIMEOUT_MS })) });
      }
      context.terminal.result(options.json, reports, () =>
        reports
          .flatMap(({ file, runs }) =>
            runs.map(({ id, name, project, points }) => `${file}: ${id} ${name} in ${project}, ${counted(points, "point")}`),
          )
          .join("\n"),
      );
    });
}
