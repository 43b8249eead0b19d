/** Templates of the workspace, as the store's server reads them. */
import type { ApiClient } from "../protocol/client.ts";
import { TrainyardError } from "../protocol/errors.ts";
import { nearest } from "../protocol/nearest.ts";

/** The text of a run document, and how it is called in messages. */
export interface WrittenDocument {
  readonly label: string;
  readonly text: string;
}

/** @throws TrainyardError not_found | invalid_spec (it cannot be read) */
export async function findTemplate(client: ApiClient, name: string): Promise<WrittenDocument> {
  const { templates } = await client.call("listTemplates");
  const found = templates.find((template) => template.name === name);
  if (found === undefined)
    throw noTemplate(
      name,
      templates.map((template) => template.name),
    );
  const { file, text, problem } = found;
  if (text === null) throw new TrainyardError("invalid_spec", problem?.message ?? `${file} cannot be read`, problem?.hint ?? null);
  return { label: file, text };
}

function noTemplate(name: string, names: readonly string[]): TrainyardError {
  const near = nearest(name, names);
  const hint =
    near !== null
      ? `Did you mean ${near}?`
      : names.length > 0
        ? `There are ${names.join(", ")}.`
        : "There is none yet: put a run document into trainyard_templates/, or save one as a template in VS Code.";
  return new TrainyardError("not_found", `there is no template ${name} in the workspace`, hint);
}
