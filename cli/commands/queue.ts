import { Argument, type Command } from "commander";
import type { ApiClient } from "../../protocol/client.ts";
import { MOST_CONCURRENT } from "../../protocol/constants.ts";
import { counted } from "../../protocol/counted.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { ChangeQueue, MoveInQueue, Queue, QueueHistory } from "../../protocol/queue.ts";
import { ranSeconds } from "../../protocol/queue-time.ts";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { connectServer } from "../connect.ts";
import { formatDuration, formatTable } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { findRun, serverReader } from "../reader.ts";
import { showMade } from "./run.ts";
import { CHECK_TIMEOUT_MS, countFrom, withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface MoveOptions extends CommonOptions {
  readonly before?: string;
  readonly after?: string;
}

interface HistoryOptions extends CommonOptions {
  readonly limit: number;
  readonly project?: string;
}

export function addQueueCommands(program: Command, context: CommandContext): void {
  const { terminal } = context;
  const connect = (options: CommonOptions): Promise<ApiClient> => connectServer(locateStore(options.store).dir);
  const show = (options: CommonOptions, queue: Queue): void => {
    terminal.result(options.json, queue, () => describeQueue(queue));
  };
  // Before the first run of a workspace too, whose store is made by it.
  const change = async (options: CommonOptions, body: ChangeQueue): Promise<void> => {
    const client = await connectServer(locateStore(options.store).dir, { create: true });
    show(options, await client.call("changeQueue", { body }));
  };
  // What stands behind a subcommand is the subcommand's own: both know --json and --store.
  const queue = program.command("queue").enablePositionalOptions();
  const one = (name: string, description: string): Command =>
    withCommonOptions(queue.command(name).description(description)).argument("<run>", RUN_ARGUMENT);

  withCommonOptions(queue.description("runs that wait for their turn: list, add, move, remove, pause, resume, limit, gpus, history"))
    .addHelpText(
      "after",
      `
Examples:
  trainyard run sft.run.yaml --queue      make a run that waits for its turn; trainyard start RUN starts it ahead of it
  trainyard resume RUN --queue            a run that ended goes on when its turn comes; with --fork a new one does
  trainyard queue                         who runs, who waits, and for what
  trainyard queue move sft 1              the next to start
  trainyard queue limit 2                 two at a time
  trainyard queue gpus wait               each once the GPUs that its document names are free, or all where it names none
The server of the store starts what waits; trainyard serve --ensure starts the server after a reboot.`,
    )
    .action(async (options: CommonOptions) => {
      show(options, await (await connect(options)).call("getQueue"));
    });
  one("add", "put a draft at the end of the queue").action(async (run: string, options: CommonOptions) => {
    const client = await connect(options);
    const id = await findRun(serverReader(client), run);
    showMade(context, await client.call("enqueueRun", { params: { id }, timeoutMs: CHECK_TIMEOUT_MS }), options);
  });
  one("remove", "take a run out of the queue: it is a draft again, or ended as it was").action(
    async (run: string, options: CommonOptions) => {
      const client = await connect(options);
      const id = await findRun(serverReader(client), run);
      showMade(context, await client.call("dequeueRun", { params: { id } }), options);
    },
  );
  one("move", "move a waiting run")
    .argument("[position]", "from 1, which starts next", countFrom(1))
    .option("--before <run>", "instead of a position: the run that shall start after it")
    .option("--after <run>", "instead of a position: the run that shall start before it")
    .action(async (run: string, position: number | undefined, options: MoveOptions) => {
      const client = await connect(options);
      const idOf = (text: string): Promise<string> => findRun(serverReader(client), text);
      const body = await moveTo(position, options, idOf);
      show(options, await client.call("moveInQueue", { params: { id: await idOf(run) }, body }));
    });
  withCommonOptions(queue.command("pause").description("start nothing more from the queue; what runs goes on")).action(
    async (options: CommonOptions) => {
      await change(options, { paused: true });
    },
  );
  withCommonOptions(queue.command("resume").description("go on starting what waits")).action(async (options: CommonOptions) => {
    await change(options, { paused: false });
  });
  withCommonOptions(queue.command("limit").description("how many runs of the queue live at a time"))
    .argument("<count>", `1 to ${String(MOST_CONCURRENT)}`, countFrom(1))
    .action(async (concurrency: number, options: CommonOptions) => {
      await change(options, { concurrency });
    });
  withCommonOptions(queue.command("gpus").description("whether a run waits until the GPUs that it wants are free"))
    .addArgument(new Argument("<rule>", "wait for them, or ignore what they do").choices(["wait", "ignore"]))
    .action(async (rule: string, options: CommonOptions) => {
      await change(options, { wait_for_gpus: rule === "wait" });
    });
  withCommonOptions(queue.command("history").description("runs that have left the queue, the last one first"))
    .option("--limit <count>", "most runs", countFrom(1), 50)
    .option("--project <name>", "of this project only")
    .action(async ({ limit, project, ...options }: HistoryOptions) => {
      const query = { limit, ...(project !== undefined && { project }) };
      const history = await (await connect(options)).call("getQueueHistory", { query });
      terminal.result(options.json, history, () => describeHistory(history));
    });
}

async function moveTo(
  position: number | undefined,
  { before, after }: MoveOptions,
  idOf: (run: string) => Promise<string>,
): Promise<MoveInQueue> {
  if ([position, before, after].filter((given) => given !== undefined).length !== 1)
    throw new TrainyardError(
      "bad_request",
      "one place to move to is needed",
      "Give a position from 1, or --before RUN, or --after RUN: trainyard queue move RUN 1",
    );
  if (position !== undefined) return { position };
  return before !== undefined ? { before: await idOf(before) } : { after: await idOf(after ?? "") };
}

function describeQueue({ concurrency, paused_at, wait_for_gpus, running, waiting }: Queue): string {
  const places = `${String(running.length)} of ${counted(concurrency, "place")} taken`;
  const limit = wait_for_gpus ? `${places} · waits for free GPUs` : places;
  const head = paused_at === null ? limit : `Paused since ${paused_at} · ${limit}`;
  const rows = [
    ...running.map(({ id, name, project, state }) => ["", id, state, name, project, ""]),
    ...waiting.map(({ position, id, name, project, reason }) => [String(position), id, "queued", name, project, reason]),
  ];
  return rows.length === 0 ? `${head}\nNothing waits.` : `${head}\n${formatTable(["#", "ID", "STATE", "NAME", "PROJECT", "WHY"], rows)}`;
}

function describeHistory({ entries, total }: QueueHistory): string {
  if (entries.length === 0) return "Nothing has left the queue.";
  const rows = entries.map((entry) => {
    const { id, name, state, left, left_at, waited_seconds } = entry;
    const ran = ranSeconds(entry);
    return [
      left_at.replace("T", " ").slice(0, 19),
      id,
      name,
      left === "started" ? state : left,
      formatDuration(waited_seconds),
      ran === null ? "" : formatDuration(ran),
    ];
  });
  const more = total > entries.length ? `\n${String(total - entries.length)} more: --limit` : "";
  return `${formatTable(["LEFT THE QUEUE (UTC)", "ID", "NAME", "OUTCOME", "WAITED", "RAN"], rows)}${more}`;
}
