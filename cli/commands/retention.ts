import { InvalidArgumentError, type Command } from "commander";
import { counted } from "../../protocol/counted.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import { RetentionRule, type KeptBecause, type RetentionPlan } from "../../protocol/retention.ts";
import { connectServer } from "../connect.ts";
import { formatBytes, formatTable } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { findRun, serverReader } from "../reader.ts";
import { countFrom, withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface RetentionOptions extends CommonOptions {
  readonly project?: string;
  readonly keepLast?: number;
  readonly keepBest?: RetentionRule["keep_best"];
  readonly keepEvery?: number;
  readonly removeTorn: boolean;
  readonly yes: boolean;
}

const PAGE = 1000;

const BECAUSE: Readonly<Record<KeptBecause, string>> = {
  last_complete: "the last complete one",
  last_resumable: "the last that can be continued",
  keep_last: "among the last",
  keep_best: "among the best",
  keep_every: "every so many steps",
  tagged: "tagged",
  forked: "a run was forked from it",
  continued: "the run went on from it",
  writing: "may be in the writing",
  torn: "torn (--remove-torn takes it)",
  outside: "not in the run's checkpoints folder",
  shared: "part of one that stays",
};

export function addRetentionCommand(program: Command, context: CommandContext): void {
  withCommonOptions(
    program
      .command("retention")
      .description("remove checkpoints by a rule; shows what would go and why the rest stays unless --yes is given"),
  )
    .argument("[run]", "id, name or unique beginning of the id; left out: every ended run of --project")
    .option("--project <name>", "all ended runs of this project")
    .option("--keep-last <count>", "keep the newest", countFrom(1))
    .option("--keep-best <metric:min|max[:count]>", "keep the best by a metric, eval/loss:min:2", parseBest)
    .option("--keep-every <steps>", "keep those whose step is a multiple of this", countFrom(1))
    .option("--remove-torn", "torn ones go too", false)
    .option("-y, --yes", "do it: the files are deleted", false)
    .addHelpText(
      "after",
      "\nWithout a rule the project's own is taken. The last complete checkpoint, tagged ones, those that runs were forked or continued from and what a live run writes always stay.",
    )
    .action(async (run: string | undefined, options: RetentionOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const rule = ruleOf(options);
      const ids: RunId[] = [];
      if (run !== undefined) ids.push(await findRun(serverReader(client), run));
      else if (options.project === undefined) throw new TrainyardError("bad_request", "no run is named", "Name a run, or give --project.");
      else
        for (let total = Infinity, seen = 0; seen < total;) {
          const page = await client.call("listRuns", {
            query: { project: options.project, state: "completed,failed,cancelled,interrupted", limit: PAGE, offset: seen },
          });
          ids.push(...page.runs.map(({ id }) => id));
          seen += page.runs.length;
          total = page.runs.length === 0 ? 0 : page.total;
        }
      const plans: RetentionPlan[] = [];
      for (const id of ids)
        plans.push(
          await client.call("retainCheckpoints", {
            params: { id },
            body: { apply: options.yes, ...(rule === undefined ? {} : { rule }) },
          }),
        );
      context.terminal.result(options.json, plans, () => describe(plans, options.yes));
    });
}

function ruleOf(options: RetentionOptions): RetentionRule | undefined {
  const { keepLast, keepBest, keepEvery, removeTorn } = options;
  if (keepLast === undefined && keepBest === undefined && keepEvery === undefined) {
    if (!removeTorn) return undefined;
    throw new TrainyardError("bad_request", "--remove-torn alone is no rule", "Give --keep-last, --keep-best or --keep-every as well.");
  }
  return {
    remove_torn: removeTorn,
    ...(keepLast === undefined ? {} : { keep_last: keepLast }),
    ...(keepBest === undefined ? {} : { keep_best: keepBest }),
    ...(keepEvery === undefined ? {} : { keep_every: keepEvery }),
  };
}

function describe(plans: readonly RetentionPlan[], done: boolean): string {
  const rows = plans.flatMap(({ run, checkpoints }) =>
    checkpoints.map((one) => [
      run,
      one.name,
      String(one.step),
      formatBytes(one.size_bytes),
      one.status,
      one.kept_because.length === 0 ? (done ? "removed" : "goes") : "stays",
      one.kept_because.map((reason) => BECAUSE[reason]).join(", "),
    ]),
  );
  if (rows.length === 0) return "There are no checkpoints.";
  const count = plans.reduce((sum, plan) => sum + plan.removed_count, 0);
  const bytes = formatBytes(plans.reduce((sum, plan) => sum + plan.removed_bytes, 0));
  const outcome =
    count === 0 ? "Nothing goes." : `${counted(count, "checkpoint")}, ${bytes}, ${done ? "removed" : "would be deleted; --yes does it"}.`;
  return `${formatTable(["RUN", "CHECKPOINT", "STEP", "SIZE", "STATUS", "", "WHY"], rows)}\n${outcome}`;
}

/** `metric:direction[:count]`; the metric may hold colons. */
function parseBest(text: string): NonNullable<RetentionRule["keep_best"]> {
  const match = /^(.+):(min|max)(?::(\d{1,5}))?$/.exec(text);
  const rule = RetentionRule.shape.keep_best.safeParse({
    metric: match?.[1],
    direction: match?.[2],
    ...(match?.[3] === undefined ? {} : { count: Number(match[3]) }),
  });
  if (!rule.success || rule.data === undefined) throw new InvalidArgumentError("metric:min or metric:max is needed, and a count from 1 on");
  return rule.data;
}
