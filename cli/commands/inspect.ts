import type { Command } from "commander";
import { openReader } from "../connect.ts";
import { describeReport } from "../describe.ts";
import { locateStore } from "../locate-store.ts";
import { findRun } from "../reader.ts";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

export function addInspectCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("inspect").description("show all that is known of a run"))
    .argument("<run>", RUN_ARGUMENT)
    .action(async (run: string, options: CommonOptions) => {
      const reader = await openReader(locateStore(options.store).dir);
      try {
        const report = await reader.report(await findRun(reader, run));
        context.terminal.result(options.json, report, () => describeReport(report));
      } finally {
        await reader.close();
      }
    });
}
