import type { Command } from "commander";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { connectServer } from "../connect.ts";
import { locateStore } from "../locate-store.ts";
import { findRun, serverReader } from "../reader.ts";
import { followStartedRun } from "./run.ts";
import { CHECK_TIMEOUT_MS, withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface StartOptions extends CommonOptions {
  readonly detach: boolean;
  readonly quiet: boolean;
}

export function addStartCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("start").description("start a draft, or a run of the queue ahead of its turn, and follow it"))
    .argument("<run>", RUN_ARGUMENT)
    .option("-d, --detach", "start it and return at once", false)
    .option("-q, --quiet", "show one line of progress instead of the log", false)
    .action(async (run: string, options: StartOptions) => {
      const store = locateStore(options.store).dir;
      const client = await connectServer(store);
      const id = await findRun(serverReader(client), run);
      const started = await client.call("startRun", { params: { id }, timeoutMs: CHECK_TIMEOUT_MS });
      await followStartedRun(context, store, started, options);
    });
}
