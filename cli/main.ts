/** The `trainyard` command: its table of contents. */
import { Command, CommanderError, Help } from "commander";
import { findPackageRoot, packageVersion } from "../server/package-root.ts";
import { addCancelCommand } from "./commands/cancel.ts";
import { addCatCommand } from "./commands/cat.ts";
import { addCheckNameCommand } from "./commands/check-name.ts";
import { addCleanCommand } from "./commands/clean.ts";
import { addCloneCommand } from "./commands/clone.ts";
import { addCompareCommand } from "./commands/compare.ts";
import { addCompletionCommand } from "./commands/completion.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addEditCommand } from "./commands/edit.ts";
import { addExperimentCommands } from "./commands/experiment.ts";
import { addExportCommand } from "./commands/export.ts";
import { addExportAdapterCommand } from "./commands/export-adapter.ts";
import { addImportCommand } from "./commands/import.ts";
import { addInspectCommand } from "./commands/inspect.ts";
import { addListCommand } from "./commands/list.ts";
import { addLogsCommand } from "./commands/logs.ts";
import { addMcpCommand } from "./commands/mcp.ts";
import { addNotifyCommands } from "./commands/notify.ts";
import { addProjectCommands } from "./commands/project.ts";
import { addQueryCommands } from "./commands/query.ts";
import { addQueueCommands } from "./commands/queue.ts";
import { addResumeCommand } from "./commands/resume.ts";
import { addRetentionCommand } from "./commands/retention.ts";
import { addRunCommand } from "./commands/run.ts";
import { addSearchCommand } from "./commands/search.ts";
import { addServeCommand } from "./commands/serve.ts";
import { addStartCommand } from "./commands/start.ts";
import { addStatsCommand } from "./commands/stats.ts";
import { addStoresCommands } from "./commands/stores.ts";
import { addSweepCommands } from "./commands/sweep.ts";
import { addTagCommand } from "./commands/tag.ts";
import { addTrashCommands } from "./commands/trash.ts";
import type { CommandContext } from "./commands/shared.ts";
import { TrainyardError } from "../protocol/errors.ts";
import { EXIT, EXIT_CODE_HELP } from "./exit-codes.ts";
import { Terminal } from "./terminal.ts";

const USAGE_HINT = "trainyard <command> --help shows the options";

/**
 * @param argv the arguments without node and script
 * @returns the exit code
 */
async function main(argv: readonly string[]): Promise<number> {
  const split = argv.indexOf("--");
  const own = split === -1 ? argv : argv.slice(0, split);
  const context: CommandContext = {
    terminal: new Terminal(process.stdout, process.stderr),
    passedOn: split === -1 ? null : argv.slice(split + 1),
    exitCode: EXIT.ok,
  };
  const program = new Command("trainyard")
    .description("Launch, watch and resume training runs on this machine.")
    .version(packageVersion(findPackageRoot()))
    .addHelpText("after", EXIT_CODE_HELP)
    .configureHelp({
      // "(default: [])" and "(default: false)" say nothing.
      optionDescription: (option) => (isNothing(option.defaultValue) ? option.description : new Help().optionDescription(option)),
    })
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError(`(${USAGE_HINT})`);
  addServeCommand(program, context);
  addRunCommand(program, context);
  addStartCommand(program, context);
  addCloneCommand(program, context);
  addCheckNameCommand(program, context);
  addListCommand(program, context);
  addInspectCommand(program, context);
  addLogsCommand(program, context);
  addCatCommand(program, context);
  addCancelCommand(program, context);
  addResumeCommand(program, context);
  addQueueCommands(program, context);
  addSweepCommands(program, context);
  addEditCommand(program, context);
  addTagCommand(program, context);
  addProjectCommands(program, context);
  addExperimentCommands(program, context);
  addStatsCommand(program, context);
  addQueryCommands(program, context);
  addExportCommand(program, context);
  addExportAdapterCommand(program, context);
  addImportCommand(program, context);
  addCompareCommand(program, context);
  addSearchCommand(program, context);
  addCleanCommand(program, context);
  addTrashCommands(program, context);
  addRetentionCommand(program, context);
  addDoctorCommand(program, context);
  addNotifyCommands(program, context);
  addStoresCommands(program, context);
  addMcpCommand(program, context);
  addCompletionCommand(program, context);
  try {
    await program.parseAsync([...own], { from: "user" });
    return context.exitCode;
  } catch (error) {
    // commander has already said what is wrong; help and version arrive here too, with code 0.
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.ok;
      const message = error.message.replace(/^error: /, "");
      if (own.includes("--json")) context.terminal.result(true, new TrainyardError("bad_request", message, USAGE_HINT).toApi(), () => "");
      return EXIT.invalid;
    }
    return context.terminal.error(own.includes("--json"), error);
  }
}

function isNothing(value: unknown): boolean {
  return value === false || value === "" || (Array.isArray(value) && value.length === 0);
}

// A reader that closed early (`trainyard logs … | head`) is no fault.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? EXIT.ok : EXIT.internal);
  });

// The bundle is CommonJS, which has no top-level await; main itself turns every error into an exit code.
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
