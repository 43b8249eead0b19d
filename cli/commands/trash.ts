import { InvalidArgumentError, type Command } from "commander";
import type { ApiClient } from "../../protocol/client.ts";
import { counted } from "../../protocol/counted.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { runOfTrash, type Trash, type TrashedRun, type TrashId } from "../../protocol/trash.ts";
import { connectServer } from "../connect.ts";
import { formatBytes, formatTable } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { findRun, serverReader } from "../reader.ts";
import { tellRefused, withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface EmptyOptions extends CommonOptions {
  readonly olderThan?: number;
  readonly yes: boolean;
}

/** Counting and removing the files of large runs takes a while, and so does a graceful stop. */
const TIMEOUT_MS = 660_000;
const TRASHED = "name or id of a run in the trash, or its place there (trainyard trash list)";

export function addTrashCommands(program: Command, context: CommandContext): void {
  const { terminal } = context;
  const trash = program.command("trash").description("throw runs away, bring them back, remove them for good");
  const command = (name: string, description: string): Command => withCommonOptions(trash.command(name).description(description));
  const connect = (options: CommonOptions): Promise<ApiClient> => connectServer(locateStore(options.store).dir);
  const inTrash = (client: ApiClient): Promise<Trash> => client.call("listTrash", { timeoutMs: TIMEOUT_MS });

  command("put", "move runs to the trash")
    .argument("<runs...>", RUN_ARGUMENT)
    .option("--stop", "stop those that are live first, gracefully, and wait for their end", false)
    .action(async (names: string[], options: CommonOptions & { readonly stop: boolean }) => {
      const client = await connect(options);
      const runs: RunId[] = [];
      for (const name of names) runs.push(await findRun(serverReader(client), name));
      terminal.showStatus(options.stop ? "stopping what is live…" : "moving…");
      const result = await client.call("changeRuns", {
        body: { runs, action: { do: "trash", stop: options.stop } },
        timeoutMs: TIMEOUT_MS,
      });
      terminal.result(options.json, result, () =>
        result.done.length === 0
          ? ""
          : `${result.done.map((one) => `in the trash: ${one.trash ?? one.run}`).join("\n")}\nTo undo: trainyard trash restore`,
      );
      tellRefused(context, result.failed);
    });
  command("list", "what is in the trash, and how large it is").action(async (options: CommonOptions) => {
    const listed = await inTrash(await connect(options));
    terminal.result(options.json, listed, () => describe(listed));
  });
  command("restore", "bring runs back, exactly as they were")
    .argument("<runs...>", TRASHED)
    .action(async (names: string[], options: CommonOptions) => {
      const client = await connect(options);
      const { runs } = await inTrash(client);
      const result = await client.call("restoreTrash", { body: { trash: names.map((name) => find(runs, name)) }, timeoutMs: TIMEOUT_MS });
      terminal.result(options.json, result, () => result.restored.map(({ run }) => `back in the store: ${run}`).join("\n"));
      tellRefused(context, result.failed);
    });
  command("empty", "remove for good what is in the trash; shows what would go unless --yes is given")
    .argument("[runs...]", TRASHED)
    .option("--older-than <days>", "only what has lain there for so many days", parseDays)
    .option("-y, --yes", "do it; it cannot be undone", false)
    .action(async (names: string[], options: EmptyOptions) => {
      const client = await connect(options);
      const chosen = names.length === 0 ? {} : { trash: await inTrash(client).then(({ runs }) => names.map((name) => find(runs, name))) };
      const older = options.olderThan === undefined ? {} : { older_than_days: options.olderThan };
      if (options.yes) terminal.showStatus("removing…");
      const emptied = await client.call("emptyTrash", { body: { ...chosen, ...older, apply: options.yes }, timeoutMs: TIMEOUT_MS });
      terminal.result(options.json, emptied, () => {
        if (emptied.runs.length === 0 && emptied.unfinished_bytes === 0) return "Nothing to remove.";
        const bytes = formatBytes(emptied.size_bytes + emptied.unfinished_bytes);
        return `${describe(emptied)}\n${emptied.applied ? `Removed ${bytes} for good.` : `${bytes} would go for good; --yes does it.`}`;
      });
    });
}

/** @throws TrainyardError not_found | conflict */
function find(runs: readonly TrashedRun[], text: string): TrashId {
  const named = runs.filter(({ id, name }) => id === text || runOfTrash(id) === text || name === text);
  const [only, other] = named;
  if (only === undefined)
    throw new TrainyardError("not_found", `there is no '${text}' in the trash`, "trainyard trash list shows what is there.");
  if (other !== undefined)
    throw new TrainyardError(
      "conflict",
      `'${text}' stands for ${String(named.length)} runs in the trash`,
      `Name one by its place: ${only.id}`,
    );
  return only.id;
}

function describe({ runs, size_bytes: bytes, unfinished_bytes: unfinished }: Trash): string {
  const rest = unfinished === 0 ? "" : `\n${formatBytes(unfinished)} are left of a removal that was cut short; the next one finishes it.`;
  if (runs.length === 0) return `The trash is empty.${rest}`;
  const table = formatTable(
    ["PLACE", "NAME", "STATE", "SIZE", "THROWN AWAY", ""],
    runs.map((run) => [run.id, run.name, run.state ?? "", formatBytes(run.size_bytes), run.trashed_at, run.problem ?? ""]),
  );
  return `${table}\n${counted(runs.length, "run")}, ${formatBytes(bytes)}${rest}`;
}

function parseDays(text: string): number {
  const days = Number(text);
  if (text.trim() === "" || !Number.isFinite(days) || days < 0) throw new InvalidArgumentError("a number of days is needed");
  return days;
}
