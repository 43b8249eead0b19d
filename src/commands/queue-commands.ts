/** Commands on the queue, and on the runs that wait in it. */
import * as vscode from "vscode";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { MOST_CONCURRENT } from "../../protocol/constants.ts";
import { isWaiting } from "../../protocol/state-kinds.ts";
import { localTime } from "../../protocol/local-time.ts";
import { saveDraft } from "../documents/draft-documents.ts";
import type { Host } from "../host.ts";
import { historyText, queueDescription } from "../runs/queue-text.ts";
import { stateLook } from "../runs/run-text.ts";
import { chooseRun, chooseRuns } from "./arguments.ts";
import { afterStart } from "./start-commands.ts";

const HISTORY_ENTRIES = 200;

/** Drafts join at the end, in the order in which they are selected. */
export async function enqueueRun(host: Host, ...args: unknown[]): Promise<void> {
  const runs = await chooseRuns(host, args, (run) => run.state === "draft", "Add to Queue");
  const api = await host.connection.api();
  for (const run of runs) await saveDraft(run.id);
  for (const run of runs) await api.call("enqueueRun", { params: { id: run.id } });
}

/** They are drafts again, or ended as they were. */
export async function dequeueRun(host: Host, ...args: unknown[]): Promise<void> {
  const runs = await chooseRuns(host, args, isWaiting, "Remove from Queue");
  const api = await host.connection.api();
  for (const run of runs) await api.call("dequeueRun", { params: { id: run.id } });
}

export async function startNow(host: Host, ...args: unknown[]): Promise<void> {
  const run = await chooseRun(host, args, isWaiting, "Start Now");
  if (run === null) return;
  afterStart(host, await (await host.connection.api()).call("startRun", { params: { id: run.id } }));
}

export const moveUpInQueue = (host: Host, ...args: unknown[]): Promise<void> => move(host, args, -1, "Move Up in Queue");
export const moveDownInQueue = (host: Host, ...args: unknown[]): Promise<void> => move(host, args, 1, "Move Down in Queue");

async function move(host: Host, args: readonly unknown[], by: 1 | -1, title: string): Promise<void> {
  const run = await chooseRun(host, args, isWaiting, title);
  if (run === null) return;
  const api = await host.connection.api();
  // As it is now, not as it was drawn; beside its neighbour, since others may start meanwhile.
  const { waiting } = await api.call("getQueue");
  const place = waiting.findIndex(({ id }) => id === run.id);
  if (place < 0) throw new TrainyardError("conflict", `${run.name} does not wait in the queue any more`);
  const neighbour = waiting[place + by];
  if (neighbour === undefined) return;
  const body = by < 0 ? { before: neighbour.id } : { after: neighbour.id };
  await api.call("moveInQueue", { params: { id: run.id }, body });
}

export async function pauseQueue(host: Host): Promise<void> {
  await (await host.connection.api()).call("changeQueue", { body: { paused: true } });
}

export async function resumeQueue(host: Host): Promise<void> {
  await (await host.connection.api()).call("changeQueue", { body: { paused: false } });
}

export async function setQueueLimit(host: Host): Promise<void> {
  const api = await host.connection.api();
  const queue = await api.call("getQueue");
  const text = await vscode.window.showInputBox({
    title: "Set Queue Limit",
    prompt: `How many runs of the queue live at a time? Now: ${queueDescription(queue)}. A lower limit stops nothing.`,
    value: String(queue.concurrency),
    ignoreFocusOut: true,
    validateInput: (typed) =>
      /^\d{1,4}$/.test(typed.trim()) && Number(typed) >= 1 && Number(typed) <= MOST_CONCURRENT
        ? null
        : `A whole number from 1 to ${String(MOST_CONCURRENT)}`,
  });
  if (text !== undefined) await api.call("changeQueue", { body: { concurrency: Number(text) } });
}

export async function setQueueGpus(host: Host): Promise<void> {
  const api = await host.connection.api();
  const { wait_for_gpus } = await api.call("getQueue");
  const now = (is: boolean): string => (is === wait_for_gpus ? "now" : "");
  const rules: (vscode.QuickPickItem & { readonly wait: boolean })[] = [
    { label: "Ignore what GPUs do", description: now(false), detail: "A run starts when there is a place for it.", wait: false },
    {
      label: "Wait for free GPUs",
      description: now(true),
      detail: "A run starts once the GPUs that its document names are free, or all of the machine where it names none.",
      wait: true,
    },
  ];
  const chosen = await vscode.window.showQuickPick(rules, { title: "Set GPU Rule of Queue" });
  if (chosen !== undefined) await api.call("changeQueue", { body: { wait_for_gpus: chosen.wait } });
}

export async function showQueueHistory(host: Host): Promise<void> {
  const { entries } = await (await host.connection.api()).call("getQueueHistory", { query: { limit: HISTORY_ENTRIES } });
  if (entries.length === 0) {
    void vscode.window.showInformationMessage("No run has left the queue yet.");
    return;
  }
  const picked = await vscode.window.showQuickPick(
    entries.map((entry) => ({
      label: `$(${stateLook({ state: entry.state, damage: null }).icon.replace("~spin", "")}) ${entry.name}`,
      description: historyText(entry),
      detail: `${entry.project} · ${localTime(entry.queued_at)} → ${localTime(entry.left_at)}`,
      id: entry.id,
    })),
    {
      title: "Queue History",
      placeHolder: "The last one first; choosing one opens its dashboard",
      matchOnDescription: true,
      matchOnDetail: true,
    },
  );
  if (picked !== undefined) host.panels.open({ view: "dashboard", run: picked.id });
}
