import path from "node:path";
import type { Command } from "commander";
import type { StoreStatus } from "../../protocol/stores.ts";
import { connectServer } from "../connect.ts";
import { formatTable } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface AddOptions extends CommonOptions {
  readonly name?: string;
}

export function addStoresCommands(program: Command, context: CommandContext): void {
  const { terminal } = context;
  const stores = program.command("stores").description("stores whose runs are shown together");
  const connect = (options: CommonOptions, create = false): ReturnType<typeof connectServer> =>
    connectServer(locateStore(options.store).dir, { create });
  withCommonOptions(stores.command("list").description("the store itself, and those that are shown beside it")).action(
    async (options: CommonOptions) => {
      const list = await (await connect(options)).call("listStores");
      terminal.result(options.json, list, () => [table(list.stores), ...list.problems.map(({ message }) => message)].join("\n"));
    },
  );
  withCommonOptions(stores.command("search").description("stores in a folder and up to two levels below it"))
    .argument("<folder>")
    .action(async (folder: string, options: CommonOptions) => {
      const found = await (await connect(options, true)).call("searchStores", { query: { folder: path.resolve(folder) } });
      const rows = found.stores.map(({ name, path: place, runs, added }) => [name, String(runs), added ? "shown" : "", place]);
      const notes = [
        ...found.problems.map(({ message }) => message),
        ...(found.truncated ? ["Some folders were not looked at: there are too many."] : []),
      ];
      terminal.result(options.json, found, () =>
        [rows.length === 0 ? "No stores." : formatTable(["NAME", "RUNS", "", "PATH"], rows), ...notes].join("\n"),
      );
    });
  withCommonOptions(stores.command("add").description("show a store beside this one, or all stores up to two levels below a folder"))
    .argument("<folder>")
    .option("--name <name>", "what it is called in lists and filters")
    .action(async (folder: string, { name, ...options }: AddOptions) => {
      const body = { path: path.resolve(folder), ...(name !== undefined && { name }) };
      const done = await (await connect(options, true)).call("addStores", { body });
      const known = done.known.map((place) => `Shown already: ${place}`);
      terminal.result(options.json, done, () =>
        [...(done.added.length > 0 ? [table(done.added)] : []), ...known, ...done.problems.map(({ message }) => message)].join("\n"),
      );
    });
  withCommonOptions(stores.command("remove").description("show a store no longer; nothing in it is touched"))
    .argument("<name>")
    .action(async (store: string, options: CommonOptions) => {
      const done = await (await connect(options)).call("removeStore", { params: { store } });
      terminal.result(options.json, done, () => "Removed.");
    });
}

function table(stores: readonly StoreStatus[]): string {
  const rows = stores.map(({ name, path: place, own, state, runs, problem }) => [
    name,
    own ? "own" : state,
    String(runs),
    problem === null ? place : `${place} (${problem})`,
  ]);
  return formatTable(["NAME", "STATE", "RUNS", "PATH"], rows);
}
