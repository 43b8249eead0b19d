import type { Command } from "commander";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { connectServer } from "../connect.ts";
import { locateStore } from "../locate-store.ts";
import { findRun, serverReader } from "../reader.ts";
import { collect, tellRefused, withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface EditOptions extends CommonOptions {
  readonly star?: true;
  readonly unstar?: true;
  readonly archive?: true;
  readonly unarchive?: true;
  readonly addTag: string[];
  readonly removeTag: string[];
  readonly name?: string;
  readonly description?: string;
  readonly notes?: string;
  /** false: --no-experiment */
  readonly experiment?: string | false;
}

export function addEditCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("edit").description("star, archive, tag runs, put them into an experiment; name one and describe it"))
    .argument("<runs...>", RUN_ARGUMENT)
    .option("--star", "mark with a star")
    .option("--unstar", "take the star off")
    .option("--archive", "put out of sight")
    .option("--unarchive", "bring back into sight")
    .option("--add-tag <tag>", "may be repeated", collect, [])
    .option("--remove-tag <tag>", "may be repeated", collect, [])
    .option("--experiment <name>", "put into an experiment")
    .option("--no-experiment", "take out of its experiment")
    .option("--name <name>", "of one run")
    .option("--description <text>", "of one run")
    .option("--notes <text>", "of one run")
    .action(async (names: string[], options: EditOptions) => {
      const { addTag, removeTag, name, description, notes, experiment } = options;
      const starred = either(options.star, options.unstar, "--star", "--unstar");
      const archived = either(options.archive, options.unarchive, "--archive", "--unarchive");
      const many = {
        ...(starred !== undefined && { starred }),
        ...(archived !== undefined && { archived }),
        ...(experiment !== undefined && { experiment: experiment === false ? null : experiment }),
        ...(addTag.length > 0 && { add_tags: addTag }),
        ...(removeTag.length > 0 && { remove_tags: removeTag }),
      };
      const one = {
        ...(name !== undefined && { name }),
        ...(description !== undefined && { description }),
        ...(notes !== undefined && { notes }),
      };
      if (Object.keys(many).length + Object.keys(one).length === 0)
        throw new TrainyardError(
          "bad_request",
          "nothing is to be changed",
          "Give --star, --archive, --add-tag or another option (--help).",
        );
      if (Object.keys(one).length > 0 && names.length > 1)
        throw new TrainyardError("bad_request", "a name, description or notes belong to one run", "Name one run.");
      const client = await connectServer(locateStore(options.store).dir);
      const runs: RunId[] = [];
      for (const text of names) runs.push(await findRun(serverReader(client), text));
      const [first] = runs;
      if (Object.keys(one).length > 0 && first !== undefined) await client.call("editRun", { params: { id: first }, body: one });
      const result = await client.call("changeRuns", { body: { runs, action: { do: "edit", ...many } } });
      context.terminal.result(options.json, result, () =>
        result.done
          .map(({ run, record }) =>
            [run, record?.starred === true ? "starred" : "", record?.archived === true ? "archived" : "", record?.tags.join(", ") ?? ""]
              .filter((part) => part !== "")
              .join("  "),
          )
          .join("\n"),
      );
      tellRefused(context, result.failed);
    });
}

/** @throws TrainyardError bad_request when both are given */
function either(yes: true | undefined, no: true | undefined, yesName: string, noName: string): boolean | undefined {
  if (yes === true && no === true)
    throw new TrainyardError("bad_request", `${yesName} and ${noName} cannot both be meant`, "Give one of them.");
  return yes === true ? true : no === true ? false : undefined;
}
