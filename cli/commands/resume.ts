import type { Command } from "commander";
import { parseParams } from "../assignments.ts";
import { connectServer } from "../connect.ts";
import { locateStore } from "../locate-store.ts";
import { findRun, serverReader } from "../reader.ts";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { followStartedRun, showMade } from "./run.ts";
import { CHECK_TIMEOUT_MS, collect, withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface ResumeOptions extends CommonOptions {
  readonly fork: boolean;
  readonly checkpoint?: string;
  readonly set: string[];
  readonly name?: string;
  readonly queue: boolean;
  readonly detach: boolean;
  readonly quiet: boolean;
}

export function addResumeCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("resume").description("go on from a checkpoint: the same run, or a new one with --fork"))
    .argument("<run>", RUN_ARGUMENT)
    .option("--fork", "make a new run that starts from the checkpoint", false)
    .option("--checkpoint <name>", "name or id of the checkpoint (default: the newest that can be resumed)")
    .option("--set <key=value>", "override a param; may be repeated", collect, [])
    .option("--name <name>", "name of the fork")
    .option("--queue", "let it wait for its turn in the queue, and return at once (trainyard queue shows it)", false)
    .option("-d, --detach", "start it and return at once", false)
    .option("-q, --quiet", "show one line of progress instead of the log", false)
    .action(async (run: string, options: ResumeOptions) => {
      const store = locateStore(options.store).dir;
      const params = parseParams(options.set);
      const client = await connectServer(store);
      const id = await findRun(serverReader(client), run);
      const { checkpoint, name, queue } = options;
      const made = await client.call("resumeRun", {
        params: { id },
        body: {
          mode: options.fork ? "fork" : "continue",
          params,
          queue,
          ...(checkpoint === undefined ? {} : { checkpoint }),
          ...(name === undefined ? {} : { name }),
        },
        timeoutMs: CHECK_TIMEOUT_MS,
      });
      if (queue) showMade(context, made, options);
      else await followStartedRun(context, store, made, options);
    });
}
