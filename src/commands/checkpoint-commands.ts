/** Tags of a checkpoint: candidate, release, archived, with notes; each time that one was given or taken off is kept. */
import * as vscode from "vscode";
import { type Checkpoint, CheckpointTag } from "../../protocol/artifact.ts";
import type { RunId } from "../../protocol/ids.ts";
import { localTime } from "../../protocol/local-time.ts";
import type { Host } from "../host.ts";
import { checkpointOf, chooseRun, pickCheckpoint } from "./arguments.ts";

export async function tagCheckpoint(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, (each) => each.damage === null && each.checkpoint_count > 0, "Tag Checkpoint");
  if (run === null) return;
  const title = `Tags of a checkpoint of ${run.name}`;
  const checkpoint = checkpointOf(args) ?? (await pickCheckpoint(host, run.id, title, (each) => each.status === "complete"));
  if (checkpoint !== null) await changeTags(host, run.id, checkpoint);
}

async function changeTags(host: Host, run: RunId, checkpoint: Checkpoint): Promise<void> {
  const api = await host.connection.api();
  const params = { id: run, checkpoint: checkpoint.id };
  const tags = CheckpointTag.options.map((tag) => {
    const applied = checkpoint.tags.find((each) => each.tag === tag);
    const since = applied === undefined ? [] : [`since ${localTime(applied.applied_at)}`, applied.notes];
    return {
      label: applied === undefined ? `$(tag) Tag as ${tag}…` : `$(trash) Take ${tag} off`,
      description: since.filter((part) => part !== "").join(": "),
      choice: { tag, applied: applied !== undefined },
    };
  });
  const history = { label: "$(history) History", description: "", choice: null };
  const chosen = await vscode.window.showQuickPick([...tags, history], { title: `Tags of ${checkpoint.name}` });
  if (chosen === undefined) return;
  if (chosen.choice === null) {
    const { history } = await api.call("listCheckpointTags", { params });
    const items = history.toReversed().map(({ time, action, tag, notes }) => ({
      label: `${action === "add" ? "$(tag)" : "$(trash)"} ${tag}`,
      description: localTime(time),
      detail: notes,
    }));
    const placeHolder = items.length === 0 ? "It was never tagged" : "Newest first";
    await vscode.window.showQuickPick(items, { title: `Tags of ${checkpoint.name} over time`, placeHolder });
  } else if (chosen.choice.applied) await api.call("untagCheckpoint", { params: { ...params, tag: chosen.choice.tag } });
  else {
    const { tag } = chosen.choice;
    const notes = await vscode.window.showInputBox({
      title: `Tag ${checkpoint.name} as ${tag}`,
      prompt: "Why; may stay empty",
      ignoreFocusOut: true,
    });
    if (notes !== undefined) await api.call("tagCheckpoint", { params, body: { tag, notes } });
  }
}
