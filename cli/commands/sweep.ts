import type { Command } from "commander";
import { counted } from "../../protocol/counted.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { SweepDetail, SweepPlan, SweepSummary } from "../../protocol/sweep.ts";
import { connectServer } from "../connect.ts";
import { formatTable, formatValue } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { buildCreateRun } from "../run-request.ts";
import { CHECK_TIMEOUT_MS, collect, withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface SweepOptions extends CommonOptions {
  readonly name?: string;
  readonly project?: string;
  readonly set: string[];
  readonly env: string[];
  readonly python?: string;
  readonly dryRun: boolean;
}

interface StopOptions extends CommonOptions {
  readonly cancelRuns: boolean;
}

const ID = "id of the sweep (trainyard sweep list)";

export function addSweepCommands(program: Command, context: CommandContext): void {
  const { terminal } = context;
  // What stands behind a subcommand is the subcommand's own: both know --json and --store.
  const sweep = program.command("sweep").enablePositionalOptions();
  withCommonOptions(sweep.description("start the runs that a document with a sweep section stands for; list, show, stop, continue"))
    .argument("<file>", "FILE.run.yaml with a section sweep")
    .option("--name <name>", "name of the sweep; its runs are numbered")
    .option("--project <name>", "project that the runs belong to")
    .option("--set <key=value>", "set a param that all runs share; may be repeated", collect, [])
    .option("--env <KEY=VALUE>", "set an environment variable (it is kept with the runs); may be repeated", collect, [])
    .option("--python <path>", "interpreter (default: the document's, then $TRAINYARD_PYTHON, then python on the PATH)")
    .option("--dry-run", "show the runs, and make none", false)
    .action(async (file: string, options: SweepOptions) => {
      if (!/\.ya?ml$/.test(file))
        throw new TrainyardError(
          "bad_request",
          `'${file}' is no *.run.yaml document`,
          "Or one of: trainyard sweep list, show, stop, continue.",
        );
      const store = locateStore(options.store);
      const input = { file, passedOn: context.passedOn, store, env: process.env, cwd: process.cwd() };
      const { spec, base_dir } = await buildCreateRun({ ...input, options: { ...options, tag: [], track: true } });
      const body = { spec, ...(base_dir !== undefined && { base_dir }) };
      const client = await connectServer(store.dir, { create: true });
      if (options.dryRun) {
        const plan = await client.call("planSweep", { body, timeoutMs: CHECK_TIMEOUT_MS });
        terminal.result(options.json, plan, () => describePlan(plan));
        return;
      }
      const created = await client.call("createSweep", { body, timeoutMs: CHECK_TIMEOUT_MS });
      terminal.result(
        options.json,
        created,
        () =>
          `${created.id}  ${created.name}: ${counted(created.run_count, "run")}, ${created.concurrency} at a time\nTo look at it: trainyard sweep show ${created.id}`,
      );
    });
  withCommonOptions(sweep.command("list").description("list sweeps, the newest first"))
    .option("--project <name>", "of this project only")
    .action(async (options: CommonOptions & { readonly project?: string }) => {
      const client = await connectServer(locateStore(options.store).dir);
      const query = options.project === undefined ? {} : { project: options.project };
      const list = await client.call("listSweeps", { query });
      for (const { message } of list.problems) terminal.note(message);
      terminal.result(options.json, list, () => describeList(list.sweeps));
    });
  const one = (name: string, description: string): Command =>
    withCommonOptions(sweep.command(name).description(description)).argument("<id>", ID);
  one("show", "show a sweep: its runs, their states, and the best of them").action(async (id: string, options: CommonOptions) => {
    const client = await connectServer(locateStore(options.store).dir);
    const found = await client.call("getSweep", { params: { sweep: id } });
    terminal.result(options.json, found, () => describeSweep(found));
  });
  one("stop", "make no further runs of a sweep")
    .option("--cancel-runs", "stop its live runs too, each with a final checkpoint where it can", false)
    .action(async (id: string, options: StopOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const stopped = await client.call("stopSweep", { params: { sweep: id }, body: { cancel_runs: options.cancelRuns } });
      terminal.result(options.json, stopped, () => describeState(stopped));
    });
  one("continue", "go on with a sweep that was stopped").action(async (id: string, options: CommonOptions) => {
    const client = await connectServer(locateStore(options.store).dir);
    const going = await client.call("continueSweep", { params: { sweep: id } });
    terminal.result(options.json, going, () => describeState(going));
  });
}

function describePlan({ name, runs, run_count, concurrency, warnings }: SweepPlan): string {
  const rows = runs.map(({ params, seed }, index) => [`${name} ${index + 1}`, describeParams(params), seed === null ? "" : String(seed)]);
  const rest =
    run_count > runs.length
      ? ` The first ${runs.length} are these draws; each of the others follows from what the runs before it reach.`
      : "";
  const notes = warnings.map(({ message, hint }) => `\nWarning: ${message}.${hint === null ? "" : ` ${hint}`}`);
  return `${formatTable(["NAME", "PARAMS", "SEED"], rows)}\n${counted(run_count, "run")}, ${concurrency} at a time.${rest}${notes.join("")}`;
}

function describeList(sweeps: readonly SweepSummary[]): string {
  if (sweeps.length === 0) return "No sweeps.";
  const rows = sweeps.map((sweep) => [sweep.id, sweep.state, sweep.name, sweep.project, describeCounts(sweep)]);
  return formatTable(["ID", "STATE", "NAME", "PROJECT", "RUNS"], rows);
}

function describeSweep(sweep: SweepDetail): string {
  const { objective, best } = sweep;
  const rows = sweep.runs.map((run) => [
    run.run === best ? "*" : "",
    run.run,
    run.state === "cancelled" && run.pruned !== undefined ? "pruned" : run.state,
    describeParams(run.params),
    run.seed === null ? "" : String(run.seed),
    run.objective === null ? "" : formatValue(run.objective),
  ]);
  const metric = objective === null ? "" : `${objective.metric} (${objective.direction})`;
  const legend = best === null ? "" : "\n* the best run that completed";
  return `${describeState(sweep)}\n\n${formatTable(["", "RUN", "STATE", "PARAMS", "SEED", metric], rows)}${legend}`;
}

function describeState(sweep: SweepSummary): string {
  const reason = sweep.stopped === null ? "" : ` (${sweep.stopped.reason})`;
  return `${sweep.id}  ${sweep.name} ${sweep.state}${reason}: ${describeCounts(sweep)}`;
}

function describeCounts({ counts, run_count }: SweepSummary): string {
  const parts = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
  return `${parts.join(", ")} of ${run_count}`;
}

function describeParams(params: JsonObject): string {
  return Object.entries(params)
    .map(([name, value]) => `${name}=${formatValue(value)}`)
    .join(" ");
}
