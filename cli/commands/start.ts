import type { Command } from "commander";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { connectServer } from "../connect.ts";
import { locateStore } from "../locate-store.ts";
import { findRun, serverReader } from "../reader.ts";
import { followStartedRun } from "./run.ts";
import { withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface StartOptions extends CommonOptions {
  readonly detach: boolean;
  readonly quiet: boolean;
}

/** Interpreters are asked before a run starts, and a cold one takes its time. */
const START_TIMEOUT_MS = 120_000;

export function addStartCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("start").description("start a draft and follow it (trainyard list --state draft shows them)"))
    .argument("<run>", RUN_ARGUMENT)
    .option("-d, --detach", "start it and return at once", false)
    .option("-q, --quiet", "show one line of progress instead of the log", false)
    .action(async (run: string, options: StartOptions) => {
      const store = locateStore(options.store).dir;
      const client = await connectServer(store);
      const id = await findRun(serverReader(client), run);
      const started = await client.call("startRun", { params: { id }, timeoutMs: START_TIMEOUT_MS });
      await followStartedRun(context, store, started, options);
    });
}
