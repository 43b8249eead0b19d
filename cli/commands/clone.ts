import type { Command } from "commander";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { parseParams } from "../assignments.ts";
import { connectServer } from "../connect.ts";
import { locateStore } from "../locate-store.ts";
import { findRun, serverReader } from "../reader.ts";
import { showMade } from "./run.ts";
import { CHECK_TIMEOUT_MS, collect, withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface CloneOptions extends CommonOptions {
  readonly set: string[];
  readonly name?: string;
  readonly queue: boolean;
}

export function addCloneCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("clone").description("make a draft from the document of a run; trainyard start starts it"))
    .argument("<run>", RUN_ARGUMENT)
    .option("--set <key=value>", "a param that differs; may be repeated", collect, [])
    .option("--name <name>", "name of the draft")
    .option("--queue", "put it into the queue", false)
    .action(async (run: string, options: CloneOptions) => {
      const params = parseParams(options.set);
      const client = await connectServer(locateStore(options.store).dir);
      const id = await findRun(serverReader(client), run);
      const { name, queue } = options;
      const body = { params, queue, ...(name !== undefined && { name }) };
      const draft = await client.call("cloneRun", { params: { id }, body, timeoutMs: CHECK_TIMEOUT_MS });
      showMade(context, draft, options);
    });
}
