import type { Command } from "commander";
import { connectServer } from "../connect.ts";
import { EXIT } from "../exit-codes.ts";
import { locateStore } from "../locate-store.ts";
import { withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface CheckNameOptions extends CommonOptions {
  readonly project?: string;
}

export function addCheckNameCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("check-name").description("is a name free for a run of a project? Ends with 4 where it is not"))
    .argument("<name>", "the name")
    .option("--project <name>", "the project (default: default)")
    .action(async (name: string, { project, ...options }: CheckNameOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const checked = await client.call("checkName", { query: { name, ...(project !== undefined && { project }) } });
      context.terminal.result(options.json, checked, () =>
        checked.available ? `${name} is free.` : `There is a run ${name} already; ${checked.suggestion} is free.`,
      );
      if (!checked.available) context.exitCode = EXIT.conflict;
    });
}
