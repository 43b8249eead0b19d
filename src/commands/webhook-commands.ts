/** Webhooks of the store: add one, test it, remove it. */
import * as vscode from "vscode";
import type { ApiClient } from "../../protocol/client.ts";
import type { Webhook } from "../../protocol/notices.ts";
import type { Host } from "../host.ts";

export async function manageWebhooks(host: Host): Promise<void> {
  const api = await host.connection.api();
  const { webhooks } = await api.call("getNotifySettings");
  const add = { label: "$(add) Add a webhook…", description: "", webhook: null };
  const items = webhooks.map((webhook) => ({ label: `$(broadcast) ${webhook.url}`, description: describe(webhook), webhook }));
  const picked = await vscode.window.showQuickPick([...items, add], {
    title: "Webhooks of this store",
    placeHolder: "Notices go to these addresses when a run finishes, fails, stalls or logs its first NaN",
  });
  if (picked === undefined) return;
  if (picked.webhook === null) await addWebhook(api);
  else await changeWebhook(api, picked.webhook);
}

async function addWebhook(api: ApiClient): Promise<void> {
  const title = "Add a Webhook";
  const url = await vscode.window.showInputBox({
    title,
    prompt: "Address that takes the notices (POST, JSON)",
    placeHolder: "https://example.org/hooks/training",
    ignoreFocusOut: true,
    validateInput: (text) => (/^https?:\/\/\S+$/.test(text.trim()) ? null : "An http or https address is needed"),
  });
  if (url === undefined) return;
  const secret = await vscode.window.showInputBox({
    title,
    prompt: "Secret that signs them, at least 8 characters; empty sends them unsigned",
    password: true,
    ignoreFocusOut: true,
    validateInput: (text) => (text === "" || text.length >= 8 ? null : "At least 8 characters"),
  });
  if (secret === undefined) return;
  const webhook = await api.call("addWebhook", { body: { url: url.trim(), ...(secret !== "" && { secret }) } });
  await testWebhook(api, webhook);
}

async function changeWebhook(api: ApiClient, webhook: Webhook): Promise<void> {
  const chosen = await vscode.window.showQuickPick(["Send a Test", "Remove"], { title: webhook.url, placeHolder: describe(webhook) });
  if (chosen === "Send a Test") await testWebhook(api, webhook);
  else if (chosen === "Remove") await api.call("removeWebhook", { params: { webhook: webhook.id } });
}

async function testWebhook(api: ApiClient, { id, url }: Webhook): Promise<void> {
  const { problem } = await api.call("testWebhook", { params: { webhook: id } });
  const { host } = new URL(url);
  if (problem === null) void vscode.window.showInformationMessage(`${host} has taken the test.`);
  else void vscode.window.showWarningMessage(`${host} did not take the test: ${problem}. The webhook is kept.`);
}

function describe({ kinds, signed, waiting, last }: Webhook): string {
  const parts = [kinds.join(", "), signed ? "signed" : "unsigned"];
  if (waiting > 0) parts.push(`${waiting} waiting`);
  if (last?.problem != null) parts.push(last.problem);
  return parts.join(" · ");
}
