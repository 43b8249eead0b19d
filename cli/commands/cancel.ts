import { InvalidArgumentError, type Command } from "commander";
import { FINAL_STATES } from "../../protocol/state-kinds.ts";
import { connectServer } from "../connect.ts";
import { describeOutcome } from "../describe.ts";
import { EXIT } from "../exit-codes.ts";
import { followUntilInterrupted } from "../follow.ts";
import { locateStore } from "../locate-store.ts";
import { findRun, serverReader } from "../reader.ts";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface CancelOptions extends CommonOptions {
  readonly force: boolean;
  readonly grace?: number;
  readonly reason?: string;
  readonly wait: boolean;
}

export function addCancelCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("cancel").description("stop a run: it writes a final checkpoint and ends"))
    .argument("<run>", RUN_ARGUMENT)
    .option("--force", "kill it at once, without a final checkpoint", false)
    .option("--grace <seconds>", "how long it may take before it is killed (default: as the run's spec says)", parseSeconds)
    .option("--reason <text>", "kept with the run")
    .option("--no-wait", "do not wait for the end")
    .action(async (run: string, options: CancelOptions) => {
      const store = locateStore(options.store).dir;
      const client = await connectServer(store);
      const id = await findRun(serverReader(client), run);
      const { force, grace, reason } = options;
      const asked = await client.call("cancelRun", {
        params: { id },
        body: { force, ...(grace === undefined ? {} : { grace_seconds: grace }), ...(reason === undefined ? {} : { reason }) },
      });
      let ended = asked;
      if (options.wait && !FINAL_STATES.has(asked.state)) {
        const followed = await followUntilInterrupted(id, { terminal: context.terminal, log: null, connect: () => connectServer(store) });
        if (followed === null) context.exitCode = EXIT.detached;
        ended = followed ?? asked;
      }
      context.terminal.result(options.json, ended, () => describeOutcome(ended));
    });
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() === "" || !Number.isFinite(seconds) || seconds < 0) throw new InvalidArgumentError("a number of seconds is needed");
  return seconds;
}
