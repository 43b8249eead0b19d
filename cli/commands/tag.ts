import { InvalidArgumentError, type Command } from "commander";
import { CheckpointTag, type Checkpoint } from "../../protocol/artifact.ts";
import { connectServer } from "../connect.ts";
import { formatTable } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { findRun, serverReader } from "../reader.ts";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface TagOptions extends CommonOptions {
  readonly notes: string;
  readonly remove: boolean;
}

export function addTagCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("tag").description("tag a checkpoint, or show the tags that it was given"))
    .argument("<run>", RUN_ARGUMENT)
    .argument("<checkpoint>", "name or id of the checkpoint (trainyard inspect lists them)")
    .argument("[tag]", `${CheckpointTag.options.join(", ")}; left out: show the history`, parseTag)
    .option("--notes <text>", "why", "")
    .option("--remove", "take the tag off", false)
    .action(async (run: string, checkpoint: string, tag: CheckpointTag | undefined, options: TagOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const params = { id: await findRun(serverReader(client), run), checkpoint };
      if (tag === undefined) {
        const { history } = await client.call("listCheckpointTags", { params });
        context.terminal.result(options.json, history, () =>
          history.length === 0
            ? "No tags."
            : formatTable(
                ["TIME", "", "TAG", "NOTES"],
                history.map(({ time, action, tag, notes }) => [time, action, tag, notes]),
              ),
        );
        return;
      }
      const tagged = options.remove
        ? await client.call("untagCheckpoint", { params: { ...params, tag } })
        : await client.call("tagCheckpoint", { params, body: { tag, notes: options.notes } });
      context.terminal.result(options.json, tagged, () => describeTags(tagged));
    });
}

function describeTags({ name, tags }: Checkpoint): string {
  return tags.length === 0
    ? `${name}: no tags`
    : `${name}: ${tags.map(({ tag, notes }) => (notes === "" ? tag : `${tag} (${notes})`)).join(", ")}`;
}

function parseTag(text: string): CheckpointTag {
  const tag = CheckpointTag.safeParse(text);
  if (!tag.success) throw new InvalidArgumentError(`one of ${CheckpointTag.options.join(", ")} is needed`);
  return tag.data;
}
