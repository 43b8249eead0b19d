/** Save as Template: a run document, of a file or of a run, kept in the workspace for others to start from. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import * as vscode from "vscode";
import { slugOf } from "../../protocol/ids.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import type { Host } from "../host.ts";
import { chooseRun, fileOf, runOf } from "./arguments.ts";

const RUN_FILE = /\.run\.ya?ml$/;

interface Source {
  /** What a name is made up from. */
  readonly name: string;
  readonly text: string;
}

/** The open run file with what is not saved of it, or the document of a run as it was written. */
export async function saveAsTemplate(host: Host, ...args: unknown[]): Promise<void> {
  const file = runOf(args) === null ? fileOf(args) : null;
  const source = file !== null && RUN_FILE.test(file.path) ? await documentOfFile(file) : await documentOfRun(host, args);
  if (source === null) return;
  const api = await host.connection.api();
  const taken = new Set((await api.call("listTemplates")).templates.map(({ name }) => name));
  const typed = await vscode.window.showInputBox({
    title: "Save as Template",
    prompt: "Name of the template. It becomes a file of the workspace: trainyard_templates/<name>.run.yaml",
    value: slugOf(source.name) ?? "",
    ignoreFocusOut: true,
    validateInput: (text) => {
      const name = slugOf(text);
      if (name === null) return "A name with a letter or digit is needed.";
      return taken.has(name) ? { message: `${name} is replaced.`, severity: vscode.InputBoxValidationSeverity.Warning } : null;
    },
  });
  const name = typed === undefined ? null : slugOf(typed);
  if (name === null) return;
  const saved = await api.call("saveTemplate", { body: { name, text: source.text } });
  const answer = await vscode.window.showInformationMessage(`The template ${name} was saved: New Run… starts from it.`, "Open");
  if (answer === "Open") await vscode.window.showTextDocument(vscode.Uri.file(saved.file));
}

async function documentOfFile(file: vscode.Uri): Promise<Source> {
  const document = await vscode.workspace.openTextDocument(file);
  return { name: path.basename(file.path).replace(RUN_FILE, ""), text: document.getText() };
}

async function documentOfRun(host: Host, args: readonly unknown[]): Promise<Source | null> {
  const run = await chooseRun(host, args, ({ damage, origin }) => damage === null && origin === "server", "Save as Template");
  if (run === null) return null;
  const { name, run_dir, spec } = await (await host.connection.api()).call("getRun", { params: { id: run.id } });
  if (spec === null)
    throw new TrainyardError("conflict", `the run ${name} has no document that could be a template`, "It was not made from one.");
  return { name, text: await readFile(path.join(run_dir, "spec.yaml"), "utf8") };
}
