import type { Command } from "commander";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { connectServer } from "../connect.ts";
import { describeOutcome } from "../describe.ts";
import { quote } from "../../protocol/shell-command.ts";
import { EXIT, exitCodeOfRun } from "../exit-codes.ts";
import { followUntilInterrupted } from "../follow.ts";
import { followedLog } from "../followed-log.ts";
import { locateStore } from "../locate-store.ts";
import { buildCreateRun, type RunOptions } from "../run-request.ts";
import { findTemplate } from "../templates.ts";
import { CHECK_TIMEOUT_MS, collect, withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface RunCommandOptions extends CommonOptions, RunOptions {
  readonly detach: boolean;
  readonly quiet: boolean;
  readonly dryRun: boolean;
  readonly draft: boolean;
  readonly queue: boolean;
  readonly template?: string;
}

export function addRunCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("run").description("start a training and follow it: a command, a script, or a *.run.yaml document"))
    .argument("[file]", "FILE.run.yaml or SCRIPT.py; for any other command use: trainyard run [options] -- command arguments…")
    .option("--template <name>", "in the place of a file: a template of the workspace (trainyard_templates/NAME.run.yaml)")
    .option("--name <name>", "name of the run")
    .option("--project <name>", "project that the run belongs to")
    .option("--experiment <name>", "experiment that the run belongs to: trainyard experiment lists them")
    .option("--tag <tag>", "may be repeated", collect, [])
    .option("--set <key=value>", "set a param of the recipe; may be repeated", collect, [])
    .option("--env <KEY=VALUE>", "set an environment variable (it is kept with the run); may be repeated", collect, [])
    .option("--python <path>", "interpreter (default: the document's, then $TRAINYARD_PYTHON, then python on the PATH)")
    .option("--cwd <dir>", "working directory of the training")
    .option("--no-track", "do not track what the script logs by itself")
    .option("--dry-run", "show the exact command and values, and run nothing", false)
    .option("--draft", "make the run and do not start it; trainyard start does", false)
    .option("--queue", "let the run wait for its turn in the queue, and return at once (trainyard queue shows it)", false)
    .option("-d, --detach", "start it and return at once", false)
    .option("-q, --quiet", "show one line of progress instead of the log", false)
    .addHelpText(
      "after",
      `
Examples:
  trainyard run -- python train.py --lr 1e-4     any command; what HF Trainer, TRL, Lightning and SummaryWriter log is tracked
  trainyard run train.py -- --lr 1e-4            a script, with arguments
  trainyard run sft.run.yaml --set epochs=1      a document, with one param changed
  trainyard run --template sft --set epochs=1    the same from a template of the workspace, which stays as it is
  trainyard run sft.run.yaml --draft             the same without starting it; later: trainyard start NAME
  trainyard run sft.run.yaml --queue             the same when its turn has come
The training sees the PATH, PYTHONPATH, virtual environment and CUDA_VISIBLE_DEVICES of this shell.
Ctrl+C leaves the run going and says how to stop it.`,
    )
    .action(async (file: string | undefined, options: RunCommandOptions) => {
      if (options.draft && options.queue)
        throw new TrainyardError("bad_request", "a draft does not wait in the queue", "Leave out --draft or --queue.");
      const store = locateStore(options.store);
      const { template } = options;
      const request = await buildCreateRun({
        file: file ?? null,
        ...(template !== undefined && { template: await findTemplate(await connectServer(store.dir, { create: true }), template) }),
        passedOn: context.passedOn,
        options,
        store,
        env: process.env,
        cwd: process.cwd(),
      });
      const client = await connectServer(store.dir, { create: true });
      if (options.dryRun) {
        const plan = await client.call("dryRun", { body: request });
        context.terminal.result(options.json, plan, () => [`cd ${plan.cwd}`, plan.command.map(quote).join(" ")].join("\n"));
        return;
      }
      const body = { ...request, start: !options.draft, queue: options.queue };
      const created = await client.call("createRun", { body, timeoutMs: CHECK_TIMEOUT_MS });
      if (options.draft || options.queue) {
        showMade(context, created, options);
        return;
      }
      await followStartedRun(context, store.dir, created, options);
    });
}

/** A run that was made, in one line. */
export function showMade({ terminal }: CommandContext, run: RunDetail, { json }: { readonly json: boolean }): void {
  terminal.result(json, run, () => `${run.id}  ${run.name} ${run.state}`);
}

/** Follows a run that was just started, and sets the exit code by how it ends. */
export async function followStartedRun(
  context: CommandContext,
  store: string,
  started: RunDetail,
  options: { readonly json: boolean; readonly detach: boolean; readonly quiet: boolean },
): Promise<void> {
  const { terminal } = context;
  if (options.detach) {
    showMade(context, started, options);
    return;
  }
  terminal.note(`${started.name} (${started.id}) in ${started.run_dir}`);
  const ended = await followUntilInterrupted(started.id, {
    terminal,
    log: options.json || options.quiet ? null : followedLog(terminal),
    connect: () => connectServer(store),
  });
  context.exitCode = ended === null ? EXIT.detached : exitCodeOfRun(ended.state);
  const last = ended ?? started;
  if (options.json) terminal.result(true, last, () => "");
  else if (ended !== null) terminal.note(describeOutcome(ended));
}
