import { InvalidArgumentError, type Command } from "commander";
import { RunState } from "../../protocol/states.ts";
import { connectServer, openReader } from "../connect.ts";
import { describeRuns } from "../describe.ts";
import { locateStore } from "../locate-store.ts";
import { serverReader } from "../reader.ts";
import { countBetween, withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface ListOptions extends CommonOptions {
  readonly project?: string;
  readonly state?: RunState[];
  readonly search?: string;
  readonly filter?: string;
  readonly limit: number;
  readonly archived?: true;
}

export function addListCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("list").alias("ls").description("list runs, newest first"))
    .option("--project <name>", "of one project")
    .option("--state <states>", "in one of these states, comma-separated", parseStates)
    .option("--search <text>", "with this text in name, tags, notes or id")
    .option("--filter <expression>", "that pass, for example 'metrics.loss < 1' (docs/query-language.md; asks the store's server)")
    .option("--limit <count>", "at most so many", countBetween(1, 1000), 50)
    .option("--archived", "archived runs")
    .action(async (options: ListOptions) => {
      const store = locateStore(options.store).dir;
      const { project, state, search, filter, limit, archived } = options;
      // Expressions are evaluated by the server's catalogue alone.
      const reader = filter === undefined ? await openReader(store) : serverReader(await connectServer(store));
      try {
        const page = await reader.list({
          limit,
          ...(project === undefined ? {} : { project }),
          ...(state === undefined ? {} : { state }),
          ...(search === undefined ? {} : { search }),
          ...(filter === undefined ? {} : { filter }),
          ...(archived === undefined ? {} : { archived }),
        });
        context.terminal.result(options.json, page, () => describeRuns(page.runs, page.total));
      } finally {
        await reader.close();
      }
    });
}

function parseStates(text: string): RunState[] {
  return text.split(",").map((part) => {
    const state = RunState.safeParse(part.trim());
    if (!state.success) throw new InvalidArgumentError(`'${part}' is not one of ${RunState.options.join(", ")}`);
    return state.data;
  });
}
