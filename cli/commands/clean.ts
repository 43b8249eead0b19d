import type { Command } from "commander";
import { counted } from "../../protocol/counted.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { FINAL_STATES } from "../../protocol/state-kinds.ts";
import { connectServer } from "../connect.ts";
import { formatTable } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { countFrom, withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface CleanOptions extends CommonOptions {
  readonly keep: number;
  readonly project?: string;
  readonly yes: boolean;
}

const PAGE = 1000;

export function addCleanCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("clean").description("move old runs to the store's trash; shows what would go unless --yes is given"))
    .requiredOption("--keep <count>", "ended runs to keep in each project, the newest", countFrom(0))
    .option("--project <name>", "in this project alone")
    .option("-y, --yes", "do it", false)
    .addHelpText(
      "after",
      "\nStarred runs, runs that have not ended and runs with a released checkpoint always stay. To undo: trainyard trash restore.",
    )
    .action(async (options: CleanOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const { project, keep, yes, json } = options;
      const runs: RunSummary[] = [];
      for (let total = Infinity; runs.length < total;) {
        const page = await client.call("listRuns", {
          query: { limit: PAGE, offset: runs.length, ...(project === undefined ? {} : { project }) },
        });
        if (page.runs.length === 0) break;
        runs.push(...page.runs);
        total = page.total;
      }
      const old: RunSummary[] = [];
      for (const run of beyond(runs, keep)) {
        const { checkpoints } = await client.call("listCheckpoints", { params: { id: run.id } });
        if (!checkpoints.some(({ tags }) => tags.some(({ tag }) => tag === "release"))) old.push(run);
      }
      if (yes)
        for (const [index, run] of old.entries()) {
          context.terminal.showStatus(`${index + 1} of ${old.length}: ${run.name}`);
          await client.call("deleteRun", { params: { id: run.id } });
        }
      context.terminal.result(json, { removed: yes, runs: old.map(({ id, name, project: of }) => ({ id, name, project: of })) }, () => {
        if (old.length === 0) return "Nothing to clean.";
        const table = formatTable(
          ["ID", "STATE", "PROJECT", "NAME", "CREATED"],
          old.map((run) => [run.id, run.state, run.project, run.name, run.created_at]),
        );
        return `${table}\n${counted(old.length, "run")} ${yes ? "moved to the trash" : "would go; --yes does it"}.`;
      });
    });
}

/** Ended runs behind the `keep` newest of their project, without those that are starred or damaged. Oldest first. */
export function beyond(runs: readonly RunSummary[], keep: number): RunSummary[] {
  const ended = runs
    .filter((run) => FINAL_STATES.has(run.state) && run.damage === null)
    .sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
  const kept = new Map<string, number>();
  return ended
    .filter((run) => {
      const count = (kept.get(run.project) ?? 0) + 1;
      kept.set(run.project, count);
      return count > keep && !run.starred;
    })
    .reverse();
}
