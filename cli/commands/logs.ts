import { InvalidArgumentError, type Command } from "commander";
import { LogLevel } from "../../protocol/queries.ts";
import { FINAL_STATES } from "../../protocol/state-kinds.ts";
import { connectServer, openReader } from "../connect.ts";
import { EXIT } from "../exit-codes.ts";
import { followUntilInterrupted } from "../follow.ts";
import { locateStore } from "../locate-store.ts";
import { findRun } from "../reader.ts";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { countFrom, withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface LogsOptions extends CommonOptions {
  readonly follow: boolean;
  readonly attempt?: number;
  readonly lines: number;
  readonly level?: LogLevel;
  readonly search?: string;
  readonly time?: string;
}

export function addLogsCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("logs").description("show the newest lines of a run's log"))
    .argument("<run>", RUN_ARGUMENT)
    .option("-f, --follow", "go on until the run ends (with --json: wait for its end)", false)
    .option("--attempt <number>", "of this attempt (default: the newest)", countFrom(1))
    .option("-n, --lines <count>", "at most so many lines", countFrom(1), 200)
    .option("--level <level>", "of this level and worse", parseLevel)
    .option("--search <text>", "with this text")
    .option("--time <range>", "written in this time: last 10 min, 10:00-10:15, since 10:00")
    .action(async (run: string, options: LogsOptions) => {
      const store = locateStore(options.store).dir;
      const reader = await openReader(store);
      try {
        const id = await findRun(reader, run);
        const { json, follow, lines, attempt, level, search, time } = options;
        const report = await reader.report(id);
        const ended = FINAL_STATES.has(report.state);
        const request = {
          lines,
          live: !ended && (attempt === undefined || attempt === report.attempt),
          ...(attempt === undefined ? {} : { attempt }),
          ...(level === undefined ? {} : { level }),
          ...(search === undefined ? {} : { search }),
          ...(time === undefined ? {} : { time }),
        };
        if (!follow || ended || json) {
          if (follow && !ended && !(await followToEnd(context, store, id, false))) return;
          const page = await reader.log(id, request);
          if (json) context.terminal.result(json, page, () => "");
          else context.terminal.logLines(page.lines.map((line) => line.text));
          return;
        }
        await followToEnd(context, store, id, true);
      } finally {
        await reader.close();
      }
    });
}

/** @returns false when Ctrl+C ended it first */
async function followToEnd(context: CommandContext, store: string, id: string, log: boolean): Promise<boolean> {
  const run = await followUntilInterrupted(id, { terminal: context.terminal, log, connect: () => connectServer(store) });
  if (run === null) context.exitCode = EXIT.detached;
  return run !== null;
}

function parseLevel(text: string): LogLevel {
  const level = LogLevel.safeParse(text);
  if (!level.success) throw new InvalidArgumentError(`one of ${LogLevel.options.join(", ")} is needed`);
  return level.data;
}
