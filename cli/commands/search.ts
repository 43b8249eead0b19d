import { InvalidArgumentError, type Command } from "commander";
import { connectServer } from "../connect.ts";
import { locateStore } from "../locate-store.ts";
import { findRun, serverReader } from "../reader.ts";
import { withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface SearchOptions extends CommonOptions {
  readonly run?: string;
  readonly project?: string;
  readonly context: number;
  readonly limit: number;
}

export function addSearchCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("search").description("find a text in the logs of all runs, the newest first"))
    .argument("<text>", "whatever its case")
    .option("--run <run>", "in this run alone")
    .option("--project <name>", "in this project alone")
    .option("-C, --context <lines>", "lines before and after each", whole(0, 20), 2)
    .option("--limit <count>", "at most so many", whole(1, 500), 50)
    .action(async (text: string, options: SearchOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const run = options.run === undefined ? undefined : await findRun(serverReader(client), options.run);
      const { project, limit } = options;
      const query = {
        search: text,
        context: options.context,
        limit,
        ...(project === undefined ? {} : { project }),
        ...(run === undefined ? {} : { run }),
      };
      const found = await client.call("searchLogs", { query });
      context.terminal.result(options.json, found, () => {
        if (found.matches.length === 0) return "Nothing found.";
        const blocks = found.matches.map(({ run: id, name, line, before, after }) =>
          [
            `${name} (${id}) attempt ${line.attempt}`,
            ...[...before, line, ...after].map((one) => `${one === line ? ">" : " "} ${one.number + 1}: ${one.text}`),
          ].join("\n"),
        );
        return `${blocks.join("\n\n")}${found.truncated ? `\n\n(${found.matches.length} shown; --limit shows more)` : ""}`;
      });
    });
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < least || number > most)
      throw new InvalidArgumentError(`a whole number from ${least} to ${most} is needed`);
    return number;
  };
}
