import type { Command } from "commander";
import type { Experiment, Manifest } from "../../protocol/experiments.ts";
import { localTime } from "../../protocol/local-time.ts";
import { connectServer } from "../connect.ts";
import { factLines, formatTable, formatValue } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface ExperimentOptions extends CommonOptions {
  readonly project: string;
}

interface ShowOptions extends ExperimentOptions {
  readonly at: string;
}

export function addExperimentCommands(program: Command, context: CommandContext): void {
  const { terminal } = context;
  const experiment = program
    .command("experiment")
    .description("experiments: list them, and the configurations that each had over time")
    .addHelpText(
      "after",
      `
A run belongs to an experiment by 'experiment: NAME' in its document, by trainyard run --experiment NAME, by
trainyard edit RUN --experiment NAME, or by trainyard.init(experiment="NAME") in its code.`,
    );
  withCommonOptions(experiment.command("list").description("list experiments with their run counts"))
    .option("--project <name>", "of one project")
    .action(async ({ project, ...options }: CommonOptions & { readonly project?: string }) => {
      const client = await connectServer(locateStore(options.store).dir);
      const answer = await client.call("listExperiments", { query: project === undefined ? {} : { project } });
      terminal.result(options.json, answer, () => describeExperiments(answer.experiments));
    });
  ofOne(
    experiment.command("history").description("the configurations that it had, oldest first, and what changed from each to the next"),
  ).action(async (name: string, options: ExperimentOptions) => {
    const client = await connectServer(locateStore(options.store).dir);
    const answer = await client.call("listManifests", { params: { project: options.project, experiment: name } });
    terminal.result(options.json, answer, () => describeManifests(answer.manifests));
  });
  ofOne(experiment.command("show").description("show one of its configurations: the latest, or that of a time"))
    .option("--at <time>", "latest, or a time such as 2026-01-31T12:00:00Z: the configuration that was in force then", "latest")
    .action(async (name: string, options: ShowOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const manifest = await client.call("getManifest", { params: { project: options.project, experiment: name, time: options.at } });
      terminal.result(options.json, manifest, () => describeManifest(manifest));
    });
}

function ofOne(command: Command): Command {
  return withCommonOptions(command).argument("<name>", "the experiment").option("--project <name>", "its project", "default");
}

function describeExperiments(experiments: readonly Experiment[]): string {
  if (experiments.length === 0) return "No experiments.";
  return formatTable(
    ["PROJECT", "EXPERIMENT", "RUNS", "STATES", "NEWEST RUN"],
    experiments.map(({ project, name, run_count, run_counts, last_run_at }) => [
      project,
      name,
      String(run_count),
      Object.entries(run_counts)
        .map(([state, count]) => `${String(count)} ${state}`)
        .join(", "),
      localTime(last_run_at),
    ]),
  );
}

function describeManifests(manifests: readonly Manifest[]): string {
  if (manifests.length === 0) return "No run of it has started yet.";
  return formatTable(
    ["TIME", "RUNS", "RECIPE", "CHANGED"],
    // The time as it is, not as it is here: it names the manifest to `show --at`.
    manifests.map(({ time, runs, configuration, changed }) => [time, String(runs.length), configuration.recipe, changed.join(", ")]),
  );
}

function describeManifest({ time, last_time, configuration, changed, runs }: Manifest): string {
  const { recipe, params, args, env, sweep } = configuration;
  const facts: [string, string][] = [
    ["time", time],
    ["last run", last_time],
    ["runs", runs.join(" ")],
    ["changed", changed.join(", ")],
    ["recipe", recipe],
    ["args", args.join(" ")],
    ["sweep", sweep === null ? "" : JSON.stringify(sweep)],
  ];
  const named = (title: string, values: readonly (readonly [string, string])[]): string[] =>
    values.length === 0 ? [] : [`${title}\n${values.map(([key, value]) => `  ${key.padEnd(20)} ${value}`).join("\n")}`];
  return [
    factLines(facts, 10),
    ...named(
      "Params",
      Object.entries(params).map(([key, value]) => [key, formatValue(value)] as const),
    ),
    ...named("Environment", Object.entries(env)),
  ].join("\n\n");
}
