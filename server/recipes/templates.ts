/**
 * Templates of the user's own: `trainyard_templates/<name>.run.yaml` in the workspace. Each is a run document as it was written, with its
 * comments, which others are started from.
 */
import { stat } from "node:fs/promises";
import path from "node:path";
import { TrainyardError } from "../../protocol/errors.ts";
import { MAX_TEMPLATE_LENGTH, type SaveTemplate, type Template, type TemplateAddress } from "../../protocol/preset.ts";
import { readWholeText } from "../store/open-file.ts";
import { ownFile, ownFiles, removeOwnFile, writeOwnFile, type OwnFile } from "./own-files.ts";

export const TEMPLATE_FOLDER = "trainyard_templates";
const SUFFIX = ".run.yaml";
const MEND = "Mend the file; nothing can be started from it until then.";

/** One that cannot be read is among them and says why. */
export async function listTemplates(workspace: string): Promise<Template[]> {
  const files = await ownFiles(path.join(workspace, TEMPLATE_FOLDER), SUFFIX);
  return Promise.all(files.map(readTemplate));
}

async function readTemplate({ name, file }: OwnFile): Promise<Template> {
  const broken = (message: string, line: number | null): Template => {
    const place = line === null ? file : `${file}, line ${line}`;
    return { name, file, text: null, line, problem: { severity: "error", field: "template", message: `${place}: ${message}`, hint: MEND } };
  };
  try {
    const { size } = await stat(file);
    if (size > MAX_TEMPLATE_LENGTH) return broken(`it has ${size} bytes; a template has at most ${MAX_TEMPLATE_LENGTH}`, null);
    const text = await readWholeText(file);
    const wrong = await whatIsWrong(text);
    return wrong === null ? { name, file, text, problem: null, line: null } : broken(wrong.message, wrong.line);
  } catch (error) {
    return broken(error instanceof Error ? error.message : String(error), null);
  }
}

/** A template may leave out what a run needs, but all that it says has to be a run document's. */
async function whatIsWrong(text: string): Promise<{ readonly message: string; readonly line: number | null } | null> {
  const { lineAt, readRunDocument } = await import("../../protocol/run-document/read.ts");
  const [first] = readRunDocument(text).problems;
  if (first === undefined) return null;
  const { problem, range } = first;
  // An issue of the schema says what is wrong with a field, not which one.
  const message =
    problem.field === "" || problem.message.startsWith(problem.field) ? problem.message : `${problem.field}: ${problem.message}`;
  return { message, line: range === null ? null : lineAt(text, range[0]) };
}

/** @returns its file. @throws TrainyardError invalid_spec (the text is not a run document) | disk_full | store_unwritable */
export async function saveTemplate(workspace: string, { name, text }: SaveTemplate): Promise<string> {
  const wrong = await whatIsWrong(text);
  if (wrong !== null) {
    const place = wrong.line === null ? "" : `line ${wrong.line}: `;
    throw new TrainyardError("invalid_spec", `${place}${wrong.message}`, "Correct the document first; then save it as a template.");
  }
  const file = fileOf(workspace, name);
  await writeOwnFile(file, text);
  return file;
}

/** @throws TrainyardError not_found | store_unwritable */
export async function deleteTemplate(workspace: string, { name }: TemplateAddress): Promise<void> {
  await removeOwnFile(fileOf(workspace, name), `template ${name}`);
}

function fileOf(workspace: string, name: string): string {
  return ownFile(path.join(workspace, TEMPLATE_FOLDER), [name], SUFFIX);
}
