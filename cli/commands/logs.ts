import { InvalidArgumentError, type Command } from "commander";
import { LogLevel } from "../../protocol/queries.ts";
import { FINAL_STATES } from "../../protocol/state-kinds.ts";
import { connectServer, openReader } from "../connect.ts";
import { EXIT } from "../exit-codes.ts";
import { followUntilInterrupted } from "../follow.ts";
import { followedLog, type FollowedLog } from "../followed-log.ts";
import { locateStore } from "../locate-store.ts";
import { findRun } from "../reader.ts";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { countFrom, withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface LogsOptions extends CommonOptions {
  readonly follow: boolean;
  readonly attempt?: number;
  readonly lines?: number;
  readonly level?: LogLevel;
  readonly search?: string;
  readonly time?: string;
}

/** Newest lines, where nobody says how many. */
const DEFAULT_LINES = 200;

export function addLogsCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("logs").description("show the newest lines of a run's log"))
    .argument("<run>", RUN_ARGUMENT)
    .option("-f, --follow", "go on until the run ends (with --json: wait for its end)", false)
    .option("--attempt <number>", "of this attempt (default: the newest)", countFrom(1))
    .option(
      "-n, --lines <count>",
      `at most so many lines (default: ${String(DEFAULT_LINES)}; of a live run that is followed, all)`,
      countFrom(1),
    )
    .option("--level <level>", `that name this level: ${LogLevel.options.join(", ")}`, parseLevel)
    .option("--search <text>", "with this text")
    .option("--time <range>", "written in this time: last 10 min, 10:00-10:15, since 10:00")
    .action(async (run: string, options: LogsOptions) => {
      const store = locateStore(options.store).dir;
      const reader = await openReader(store);
      try {
        const id = await findRun(reader, run);
        const { json, follow, lines, attempt, level, search, time } = options;
        const report = await reader.report(id);
        // An attempt that another one followed is over.
        const live = !FINAL_STATES.has(report.state) && (attempt === undefined || attempt === report.attempt);
        const wanted = {
          ...(attempt === undefined ? {} : { attempt }),
          ...(level === undefined ? {} : { level }),
          ...(search === undefined ? {} : { search }),
          ...(time === undefined ? {} : { time }),
        };
        if (follow && live) {
          const log = json ? null : followedLog(context.terminal, { ...wanted, ...(lines === undefined ? {} : { lines }) });
          if (!(await followToEnd(context, store, id, log)) || !json) return;
        }
        const page = await reader.log(id, { ...wanted, lines: lines ?? DEFAULT_LINES, live: live && !follow });
        if (json) context.terminal.result(json, page, () => "");
        else context.terminal.logLines(page.lines.map((line) => line.text));
      } finally {
        await reader.close();
      }
    });
}

/** @returns false when Ctrl+C ended it first */
async function followToEnd(context: CommandContext, store: string, id: string, log: FollowedLog | null): Promise<boolean> {
  const { terminal } = context;
  const run = await followUntilInterrupted(id, { terminal, log, connect: () => connectServer(store) });
  if (run === null) context.exitCode = EXIT.detached;
  else if (!FINAL_STATES.has(run.state)) terminal.note(`Nothing more of it is written; ${run.name} goes on.`);
  return run !== null;
}

function parseLevel(text: string): LogLevel {
  const level = LogLevel.safeParse(text);
  if (!level.success) throw new InvalidArgumentError(`one of ${LogLevel.options.join(", ")} is needed`);
  return level.data;
}
