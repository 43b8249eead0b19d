/** Stores whose runs are shown beside those of the workspace: add some, look at them, remove one. */
import * as vscode from "vscode";
import { counted } from "../../protocol/counted.ts";
import type { ApiClient } from "../../protocol/client.ts";
import type { StoreStatus } from "../../protocol/stores.ts";
import type { Host } from "../host.ts";

export async function manageStores(host: Host): Promise<void> {
  const api = await host.connection.api();
  const { stores, problems } = await api.call("listStores");
  const add = { label: "$(add) Add stores…", description: "a store, or a folder that holds some", store: null };
  const items = stores.map((store) => ({
    label: `$(${store.state === "unavailable" ? "warning" : "database"}) ${store.name}`,
    description: describe(store),
    detail: store.problem ?? store.path,
    store,
  }));
  const picked = await vscode.window.showQuickPick([...items, add], {
    title: "Stores shown in this window",
    placeHolder: problems[0]?.message ?? "Runs of other stores can be looked at here; they are changed where they lie",
    matchOnDetail: true,
  });
  if (picked === undefined) return;
  if (picked.store === null) await addStores(api);
  else await changeStore(api, picked.store);
}

async function addStores(api: ApiClient): Promise<void> {
  const [folder] =
    (await vscode.window.showOpenDialog({
      canSelectFiles: false,
      canSelectFolders: true,
      openLabel: "Show Its Runs",
      title: "A store, or a folder with stores up to two levels below it",
    })) ?? [];
  if (folder === undefined) return;
  const { stores, truncated } = await api.call("searchStores", { query: { folder: folder.fsPath } });
  const fresh = stores.filter(({ added }) => !added);
  if (fresh.length <= 1) {
    tellAdded((await api.call("addStores", { body: { path: fresh[0]?.path ?? folder.fsPath } })).added);
    return;
  }
  const chosen = await vscode.window.showQuickPick(
    fresh.map(({ name, path, runs }) => ({ label: name, description: counted(runs, "run"), detail: path, picked: true, path })),
    {
      title: truncated ? "Stores that were found; there were too many folders to look at all" : "Stores that were found",
      canPickMany: true,
      matchOnDetail: true,
    },
  );
  const added: StoreStatus[] = [];
  for (const { path } of chosen ?? []) added.push(...(await api.call("addStores", { body: { path } })).added);
  if (added.length > 0) tellAdded(added);
}

async function changeStore(api: ApiClient, store: StoreStatus): Promise<void> {
  const reveal = "Reveal Its Folder";
  const open = "Open Its Folder in a New Window";
  const remove = "Show It No Longer";
  const choices = store.own ? [reveal] : [reveal, open, remove];
  const chosen = await vscode.window.showQuickPick(choices, { title: store.name, placeHolder: store.problem ?? store.path });
  const folder = vscode.Uri.file(store.path);
  if (chosen === reveal) await vscode.commands.executeCommand("revealFileInOS", folder);
  // A store lies in the folder of its workspace.
  else if (chosen === open)
    await vscode.commands.executeCommand("vscode.openFolder", vscode.Uri.joinPath(folder, ".."), { forceNewWindow: true });
  else if (chosen === remove) await api.call("removeStore", { params: { store: store.name } });
}

function tellAdded(added: readonly StoreStatus[]): void {
  const runs = added.reduce((sum, store) => sum + store.runs, 0);
  const broken = added.find(({ problem }) => problem !== null);
  if (broken !== undefined) void vscode.window.showWarningMessage(`${broken.name} was added but cannot be shown: ${broken.problem ?? ""}.`);
  else void vscode.window.showInformationMessage(`${added.map(({ name }) => name).join(", ")}: ${counted(runs, "run")} shown.`);
}

function describe({ own, state, runs, live_runs, duplicates }: StoreStatus): string {
  if (state !== "open") return state;
  const parts = [own ? "this workspace" : null, counted(runs, "run"), live_runs > 0 ? `${live_runs} running` : null];
  if (duplicates > 0) parts.push(`${duplicates} of them shown in a store above`);
  return parts.filter((part) => part !== null).join(" · ");
}
