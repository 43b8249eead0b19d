import path from "node:path";
import type { Command } from "commander";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { connectServer } from "../connect.ts";
import { editDraft } from "../draft-edit.ts";
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
  readonly set: string[];
  readonly unset: string[];
  readonly file?: string;
}

export function addEditCommand(program: Command, context: CommandContext): void {
  withCommonOptions(
    program
      .command("edit")
      .description("star, archive, tag runs, put them into an experiment; name and describe one; change the params of a draft"),
  )
    .argument("<runs...>", RUN_ARGUMENT)
    .option("--star", "mark with a star")
    .option("--unstar", "take the star off")
    .option("--archive", "put out of sight")
    .option("--unarchive", "bring back into sight")
    .option("--add-tag <tag>", "may be repeated", collect, [])
    .option("--remove-tag <tag>", "may be repeated", collect, [])
    .option("--experiment <name>", "put into an experiment")
    .option("--no-experiment", "take out of its experiment")
    .option("--set <key=value>", "a param of one draft; may be repeated", collect, [])
    .option("--unset <key>", "take a param out of one draft: its default counts again; may be repeated", collect, [])
    .option("--file <file>", "a *.run.yaml that takes the place of one draft's document")
    .option("--name <name>", "of one run")
    .option("--description <text>", "of one run")
    .option("--notes <text>", "of one run")
    .addHelpText(
      "after",
      `
Examples:
  trainyard edit latest --star --add-tag baseline
  trainyard edit a b c --experiment sizes          runs put into an experiment
  trainyard edit later --set learning_rate=1e-4    a draft; trainyard start later starts it`,
    )
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
      const draft = { set: options.set, unset: options.unset, file: options.file === undefined ? null : path.resolve(options.file) };
      const editsDraft = draft.file !== null || draft.set.length + draft.unset.length > 0;
      const belongsToOne = editsDraft || Object.keys(one).length > 0;
      if (!belongsToOne && Object.keys(many).length === 0)
        throw new TrainyardError(
          "bad_request",
          "nothing is to be changed",
          "Give --star, --archive, --add-tag or another option (--help).",
        );
      if (belongsToOne && names.length > 1)
        throw new TrainyardError("bad_request", "a name, description, notes or params belong to one run", "Name one run.");
      const client = await connectServer(locateStore(options.store).dir);
      const runs: RunId[] = [];
      for (const text of names) runs.push(await findRun(serverReader(client), text));
      const [first] = runs;
      if (editsDraft && first !== undefined) await editDraft(client, first, draft);
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
