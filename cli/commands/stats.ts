import type { Command } from "commander";
import type { RunStatistics } from "../../protocol/analysis.ts";
import { localTime } from "../../protocol/local-time.ts";
import { connectServer } from "../connect.ts";
import { factLines, formatDuration, formatTable } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { scopeOf, withScope, type CommandContext, type ScopeOptions } from "./shared.ts";

export function addStatsCommand(program: Command, context: CommandContext): void {
  withScope(program.command("stats").description("how many runs there are by state, project and recipe, and what they add up to"))
    .addHelpText(
      "after",
      `
Examples:
  trainyard stats                                      of everything, archived runs included
  trainyard stats --project mnist                      of one project
  trainyard stats --filter 'not record.archived'       of the runs that pass`,
    )
    .action(async (options: ScopeOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const statistics = await client.call("getStatistics", { query: scopeOf(options) });
      context.terminal.result(options.json, statistics, () => describeStatistics(statistics));
    });
}

function describeStatistics(statistics: RunStatistics): string {
  const { runs, states, projects, recipes, archived, starred, checkpoints, points, training_seconds, newest } = statistics;
  if (runs === 0) return "No runs.";
  const facts: [string, string][] = [
    ["runs", String(runs)],
    ["archived", String(archived)],
    ["starred", String(starred)],
    ["checkpoints", String(checkpoints)],
    ["points", String(points)],
    ["training", formatDuration(training_seconds)],
    ["newest", newest === null ? "" : localTime(newest)],
  ];
  return [
    factLines(facts, 13),
    ...[["STATE", states] as const, ["PROJECT", projects] as const, ["RECIPE", recipes] as const].map(([title, counts]) =>
      formatTable(
        [title, "RUNS"],
        Object.entries(counts)
          .sort(([, a], [, b]) => b - a)
          .map(([name, count]) => [name, String(count)]),
      ),
    ),
  ].join("\n\n");
}
