/** Commands on many runs at once: star, archive, tag, throw away, bring back, remove for good. */
import * as vscode from "vscode";
import type { BatchResult } from "../../protocol/batch.ts";
import { counted } from "../../protocol/counted.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { mustAll } from "../../protocol/refusals.ts";
import type { RouteBody } from "../../protocol/routes.ts";
import type { RunLine } from "../../protocol/run-line.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import { RestoreTrash, type TrashedRun, type TrashId } from "../../protocol/trash.ts";
import { localTime } from "../../protocol/local-time.ts";
import type { Host } from "../host.ts";
import { formatBytes } from "../runs/format.ts";
import { chooseRuns } from "./arguments.ts";

/** A stop waits for the final checkpoint. */
const STOP_TIMEOUT_MS = 660_000;
/** Counting and removing the files of large runs takes a while. */
const TRASH_TIMEOUT_MS = 600_000;
/** Names that a question lists. */
const MOST_LISTED = 8;

type Action = RouteBody<"changeRuns">["action"];

export function setStarred(starred: boolean) {
  return onRuns(starred ? "Star" : "Remove Star", (run) => run.starred !== starred, { do: "edit", starred });
}

export function setArchived(archived: boolean) {
  return onRuns(archived ? "Archive" : "Unarchive", (run) => run.archived !== archived, { do: "edit", archived });
}

/** Takes tags off and puts tags on, for one run or many. */
export async function tagRuns(host: Host, ...args: unknown[]): Promise<void> {
  const runs = await chooseRuns(host, args, (each) => each.damage === null, "Tags");
  if (runs.length === 0) return;
  const common = (tag: string): boolean => runs.every((run) => run.tags.includes(tag));
  const known = [...new Set(host.board.runs().flatMap((run) => run.tags))].sort();
  const NEW = "$(add) New tags…";
  const picked = await vscode.window.showQuickPick(
    [{ label: NEW, alwaysShow: true }, ...known.map((tag) => ({ label: tag, picked: common(tag) }))],
    { title: `Tags of ${namesOf(runs)}`, placeHolder: "Tick the tags that they are to have", canPickMany: true },
  );
  if (picked === undefined) return;
  const ticked = picked.map(({ label }) => label).filter((label) => label !== NEW);
  const typed = picked.some(({ label }) => label === NEW)
    ? await vscode.window.showInputBox({ title: `New tags of ${namesOf(runs)}`, prompt: "Separated by commas", ignoreFocusOut: true })
    : "";
  if (typed === undefined) return;
  const wanted = [...ticked, ...typed.split(",").map((tag) => tag.trim())].filter((tag) => tag !== "");
  // A tag that only some of them have stays with those, unless it was ticked.
  const gone = known.filter((tag) => common(tag) && !wanted.includes(tag));
  mustAll((await changed(host, runs, { do: "edit", add_tags: wanted, remove_tags: gone })).failed);
}

/** To the trash, with a way back. A run that is live is stopped first, if that is wanted. */
export async function deleteRun(host: Host, ...args: unknown[]): Promise<void> {
  const runs = await chooseRuns(host, args, () => true, "Move to Trash");
  if (runs.length === 0) return;
  const live = runs.filter((run) => LIVE_STATES.has(run.state) || run.state === "queued");
  const action = live.length > 0 ? "Stop and Move to Trash" : "Move to Trash";
  const running =
    live.length === 0 ? "" : `${namesOf(live)} ${live.length === 1 ? "has" : "have"} not ended: stopped first, with a final checkpoint. `;
  const answer = await vscode.window.showWarningMessage(
    `Move ${namesOf(runs)} to the trash?`,
    {
      modal: true,
      detail: `${running}The whole run folder goes there, with metrics, log and checkpoints. It can be brought back until the trash is emptied.`,
    },
    action,
  );
  if (answer !== action) return;
  const result = await vscode.window.withProgress(
    {
      location: live.length > 0 ? vscode.ProgressLocation.Notification : vscode.ProgressLocation.Window,
      title: `Moving ${namesOf(runs)} to the trash`,
    },
    () => changed(host, runs, { do: "trash", stop: live.length > 0 }),
  );
  const trash = result.done.flatMap((one) => one.trash ?? []);
  if (trash.length > 0) {
    const gone = new Set(result.done.map(({ run }) => run));
    void offerUndo(trash, namesOf(runs.filter((run) => gone.has(run.id))));
  }
  mustAll(result.failed);
}

/** @param args what is to come back (an undo); left out: asked for */
export async function restoreRuns(host: Host, ...args: unknown[]): Promise<void> {
  const given = RestoreTrash.shape.trash.safeParse(args[0]);
  if (given.success) {
    await restore(host, given.data);
    return;
  }
  const { runs } = await trashOf(host);
  const picked = await vscode.window.showQuickPick(
    runs.map((run) => ({
      label: run.name,
      description: [run.project, run.state, formatBytes(run.size_bytes)].filter((part) => part !== null).join(" · "),
      detail: run.problem ?? `thrown away ${localTime(run.trashed_at)}`,
      id: run.id,
    })),
    { title: "Restore from Trash", placeHolder: "Tick the runs that are to come back", canPickMany: true, matchOnDescription: true },
  );
  if (picked !== undefined && picked.length > 0)
    await restore(
      host,
      picked.map(({ id }) => id),
    );
}

/** For good: shows what goes and how much, and asks. */
export async function emptyTrash(host: Host): Promise<void> {
  const { runs, size_bytes: bytes, unfinished_bytes: unfinished } = await trashOf(host);
  const listed = runs.slice(0, MOST_LISTED).map((run) => `${run.project} / ${run.name}: ${formatBytes(run.size_bytes)}`);
  if (runs.length > MOST_LISTED) listed.push(`and ${String(runs.length - MOST_LISTED)} more`);
  const answer = await vscode.window.showWarningMessage(
    `Remove ${counted(runs.length, "run")} (${formatBytes(bytes + unfinished)}) for good?`,
    { modal: true, detail: `${listed.join("\n")}\n\nThis cannot be undone.` },
    "Remove for Good",
  );
  if (answer !== "Remove for Good") return;
  const api = await host.connection.api();
  await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: "Emptying the trash" }, () =>
    // What was shown, and nothing that came meanwhile.
    api.call("emptyTrash", {
      body: { apply: true, ...(runs.length === 0 ? {} : { trash: runs.map(({ id }) => id) }) },
      timeoutMs: TRASH_TIMEOUT_MS,
    }),
  );
  vscode.window.setStatusBarMessage(`Trainyard: ${formatBytes(bytes + unfinished)} freed`, 5000);
}

function onRuns(title: string, accepts: (run: RunLine) => boolean, action: Action) {
  return async (host: Host, ...args: unknown[]): Promise<void> => {
    const runs = await chooseRuns(host, args, (each) => each.damage === null && accepts(each), title);
    if (runs.length > 0) mustAll((await changed(host, runs, action)).failed);
  };
}

export async function changed(host: Host, runs: readonly RunLine[], action: Action): Promise<BatchResult> {
  const api = await host.connection.api();
  return api.call("changeRuns", { body: { runs: runs.map((run) => run.id), action }, timeoutMs: STOP_TIMEOUT_MS });
}

async function offerUndo(trash: readonly TrashId[], names: string): Promise<void> {
  if ((await vscode.window.showInformationMessage(`Moved ${names} to the trash.`, "Undo")) !== "Undo") return;
  await vscode.commands.executeCommand("trainyard.restoreRuns", trash);
}

async function restore(host: Host, trash: readonly TrashId[]): Promise<void> {
  const api = await host.connection.api();
  mustAll((await api.call("restoreTrash", { body: { trash: [...trash] } })).failed);
}

/** @throws TrainyardError not_found when it is empty */
async function trashOf(host: Host): Promise<{ runs: TrashedRun[]; size_bytes: number; unfinished_bytes: number }> {
  const api = await host.connection.api();
  const trash = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: "Looking at the trash…" }, () =>
    api.call("listTrash", { timeoutMs: TRASH_TIMEOUT_MS }),
  );
  if (trash.runs.length === 0 && trash.unfinished_bytes === 0)
    throw new TrainyardError("not_found", "the trash is empty", "Runs that you move there can be brought back from it.");
  return trash;
}

export function namesOf(runs: readonly RunLine[]): string {
  const [first] = runs;
  return runs.length === 1 && first !== undefined ? first.name : counted(runs.length, "run");
}
